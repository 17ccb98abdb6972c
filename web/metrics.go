package web

// Sockets is how many websockets are open now.
func (s *Server) Sockets() int {
	if l := s.live.Load(); l != nil {
		return l.hub.size()
	}
	return 0
}
