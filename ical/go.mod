module github.com/tradeclock/tradeclock/ical

go 1.25.0

replace github.com/tradeclock/tradeclock => ../

require (
	github.com/arran4/golang-ical v0.3.4
	github.com/emersion/go-ical v0.0.0-20250329121855-f41e73efc392
	github.com/jonboulle/clockwork v0.5.0
	github.com/stretchr/testify v1.12.1
	github.com/teambition/rrule-go v1.8.2
	github.com/tradeclock/tradeclock v0.1.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
