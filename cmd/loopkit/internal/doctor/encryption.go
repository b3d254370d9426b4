package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// checkEncrypted says who vouches for the server, or why nobody does.
func checkEncrypted(ctx context.Context, env Environment, v visited) []Finding {
	const check = "TLS"
	if v.base.Scheme != "https" {
		return nil
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(v.err, &certificate):
		return []Finding{distrust(ctx, env, v, certificate)}
	case isPlain(v.err):
		return []Finding{problem(check, "the server does not speak TLS on this port", "check the port, or write http:// if it is a server of your own")}
	case isAlert(v.err):
		return []Finding{problem(check, "the server refuses the encryption: "+reason(v.err), "a proxy or a firewall may stand between; try another network")}
	case v.state == nil || len(v.state.PeerCertificates) == 0:
		return nil // there is another reason, which is told later
	}
	leaf := v.state.PeerCertificates[0]
	return []Finding{ok(check, fmt.Sprintf("%s, certificate from %s, valid until %s",
		tls.VersionName(v.state.Version), issuer(leaf), leaf.NotAfter.Format(time.DateOnly)))}
}

// isTrust reports whether the server cannot be spoken with safely.
func isTrust(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || isPlain(err) || isAlert(err)
}

// isPlain reports whether what answered does not speak TLS.
func isPlain(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isAlert reports whether the other side ended the handshake. crypto/tls has no
// exported type for that.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

func distrust(ctx context.Context, env Environment, v visited, certificate *tls.CertificateVerificationError) Finding {
	const check = "TLS"
	host := v.base.Hostname()
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	chain := certificate.UnverifiedCertificates
	switch {
	case len(chain) == 0:
		return problem(check, "the server showed no certificate", "check the address")
	case errors.As(certificate, &invalid) && invalid.Reason == x509.Expired:
		return outOfDate(ctx, env, v, chain[0])
	case errors.As(certificate, &name):
		return problem(check, "the certificate is for "+names(chain[0])+", not for "+host+"; it is from "+issuer(chain[0]),
			"check the address; if it is right, something between here and there answers in its place")
	case errors.As(certificate, &authority) && isPublicAuthority(chain):
		return problem(check, "the certificate is from "+issuer(chain[len(chain)-1])+", which this machine should know but does not",
			"install the package ca-certificates, or point SSL_CERT_FILE to a bundle of root certificates")
	case errors.As(certificate, &authority) && chain[0].Issuer.String() == chain[0].Subject.String():
		return problem(check, "the server vouches for itself: its certificate is from "+issuer(chain[0]),
			"if it is a server of your own, add its certificate with SSL_CERT_FILE; else something answers in LoopKit's place")
	case errors.As(certificate, &authority):
		return problem(check, "a proxy or a security product between here and "+host+" opens the encryption (TLS interception): the certificate is from "+
			issuer(chain[len(chain)-1])+", which this machine does not trust",
			"if that is your company's, add its root certificate to the system or to a bundle that SSL_CERT_FILE names, or have "+host+" exempted; if not, do not send data over this network")
	}
	return problem(check, "the certificate is not valid: "+certificate.Err.Error(), "check the address, and try another network")
}

// outOfDate finds out which is wrong, the certificate or the clock. The server's
// clock is asked for over an unverified connection, which carries nothing.
func outOfDate(ctx context.Context, env Environment, v visited, leaf *x509.Certificate) Finding {
	const check = "TLS"
	client := env.client()
	transport := env.transport()
	transport.TLSClientConfig.InsecureSkipVerify = true
	client.Transport = transport
	defer client.CloseIdleConnections()
	now := env.Now()
	what := "the certificate expired on " + leaf.NotAfter.Format(time.DateOnly)
	if now.Before(leaf.NotBefore) {
		what = "the certificate is valid only from " + leaf.NotBefore.Format(time.DateOnly)
	}
	what += ", and the clock here says " + now.UTC().Format("2006-01-02 15:04 MST")
	theirs, err := http.ParseTime(visitWith(ctx, env, client, v.base).header.Get("Date"))
	if err == nil && !theirs.Before(leaf.NotBefore) && !theirs.After(leaf.NotAfter) {
		return problem(check, what+", but the server's "+theirs.UTC().Format("2006-01-02 15:04 MST"), "set the clock of this machine: timedatectl set-ntp true, or your system's settings of time")
	}
	return problem(check, what, "if the clock is right, the server's certificate must be renewed; else set the clock")
}

// isPublicAuthority reports whether a chain ends at an authority that every
// system comes with.
func isPublicAuthority(chain []*x509.Certificate) bool {
	for _, known := range []string{"Let's Encrypt", "Internet Security Research Group", "Amazon", "Google Trust Services", "DigiCert", "GlobalSign", "Sectigo", "Cloudflare", "Microsoft"} {
		for _, organization := range chain[len(chain)-1].Issuer.Organization {
			if strings.Contains(organization, known) {
				return true
			}
		}
	}
	return false
}

func issuer(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if len(c.Issuer.Organization) > 0 && c.Issuer.Organization[0] != name {
		name = strings.TrimSpace(name + " (" + c.Issuer.Organization[0] + ")")
	}
	if name == "" {
		name = "an issuer without a name"
	}
	return fmt.Sprintf("%q", name)
}

func names(c *x509.Certificate) string {
	const most = 3
	all := c.DNSNames
	for _, ip := range c.IPAddresses {
		all = append(all[:len(all):len(all)], ip.String())
	}
	switch {
	case len(all) == 0:
		return fmt.Sprintf("%q", c.Subject.CommonName)
	case len(all) > most:
		return strings.Join(all[:most], ", ") + " and others"
	}
	return strings.Join(all, ", ")
}
