package access

// Principal is who asks.
type Principal struct {
	Person  string // issuer and subject: what a person is known by; "" for nobody
	Name    string // what the history calls the person
	Role    Role
	Session string // where the person is logged in; "" for nobody, and for programs
	Token   string // by which a program is known
}

// Known tells a person from nobody.
func (p Principal) Known() bool { return p.Person != "" }

// key is what stands for p as long as it is known.
func (p Principal) key() string {
	if p.Token != "" {
		return "token " + p.Token
	}
	return p.Session
}

// May tells whether p has what a route or a command needs.
func (p Principal) May(needed Role) bool { return p.Role >= needed }
