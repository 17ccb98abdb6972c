package devlogin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
)

// checkRequest refuses what a client of ours does not ask.
func checkRequest(q url.Values) error {
	redirect, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || redirect.Scheme != "http" || !isLoopback(redirect.Hostname()):
		return errors.New("this login leads to loopback only")
	case q.Get("client_id") != ClientID:
		return errors.New("the client is not known")
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		return errors.New("this login gives codes, and wants PKCE with S256")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pick is the click on a person.
func (p *Provider) pick(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	i := slices.IndexFunc(people, func(each person) bool { return each.Subject == r.PathValue("person") })
	if err := checkRequest(q); err != nil || i < 0 {
		http.Error(w, "This is no request of a login.", http.StatusBadRequest)
		return
	}
	code := p.remember(grant{people[i], q.Get("redirect_uri"), q.Get("nonce"), q.Get("code_challenge"), p.now().Add(codeLifetime)})
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer}}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther) //nolint:gosec // checkRequest lets loopback pass only
}

func (p *Provider) remember(g grant) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.codes) >= maxCodes {
		clear(p.codes)
	}
	code := rand.Text()
	p.codes[code] = g
	return code
}

// take returns what a code stands for, once.
func (p *Provider) take(code string) (grant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.codes[code]
	delete(p.codes, code)
	return g, ok && p.now().Before(g.until)
}

// token gives the ID token for a code to who has asked for the code.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	g, ok := p.take(r.PostFormValue("code"))
	digest := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(digest[:])
	if !ok || r.PostFormValue("redirect_uri") != g.redirect || subtle.ConstantTimeCompare([]byte(challenge), []byte(g.challenge)) != 1 {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	token, err := p.sign(g)
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": int(tokenLifetime.Seconds()), "id_token": token,
	})
}

func (p *Provider) sign(g grant) (string, error) {
	now := p.now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.issuer, "sub": g.person.Subject, "aud": ClientID, "nonce": g.nonce,
		"iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(),
		"preferred_username": g.person.Name, "roles": []string{g.person.Role},
	})
	if err != nil {
		return "", err
	}
	signed, err := p.signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
