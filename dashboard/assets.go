package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed assets/style.css assets/icon.svg assets/htmx.min.js
var assetFiles embed.FS

//go:embed templates
var templateFiles embed.FS

// templates are the pages by the names of their routes, each with the layout.
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	shared := template.Must(template.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	all := make(map[string]*template.Template)
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	for _, file := range files {
		name := path.Base(file)
		if name == "layout.html" || name == "parts.html" {
			continue
		}
		all[name[:len(name)-len(".html")]] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, file))
	}
	return all
}

// assetVersion is a part of the addresses of assets, which browsers keep.
var assetVersion = versionOfAssets()

func versionOfAssets() string {
	sum := sha256.New()
	for _, name := range []string{"style.css", "icon.svg", "htmx.min.js"} {
		text, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// serveAsset serves a file that every page needs, and reports whether there is one.
func serveAsset(w http.ResponseWriter, r *http.Request, name string) bool {
	text, err := assetFiles.ReadFile("assets/" + name)
	if err != nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	return true
}
