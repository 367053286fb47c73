package main

import (
	"encoding/json"
	"net/http"
)

// health says how the replica is, as its last heartbeat does: 200 if nothing is wrong,
// and 503 with the reasons if something is. A standby is healthy.
func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	status := s.scheduler.Status()
	w.Header().Set("Content-Type", "application/json")
	if !status.Healthy() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(status.Heartbeat) // an error is of who asked, and has gone
}
