package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/waybill-io/waybill/mail/preset"
)

// services are the SRV records that say how a server is reached, the better first: implicit TLS goes before STARTTLS
// (RFC 8314, section 5.1).
var services = []struct{ service, protocol, tls string }{
	{"imaps", IMAP, "implicit"},       // RFC 6186
	{"imap", IMAP, "starttls"},        // RFC 6186
	{"submissions", SMTP, "implicit"}, // RFC 8314
	{"submission", SMTP, "starttls"},  // RFC 6186
}

func (f Finder) bySRV(ctx context.Context, a target, report *Report) {
	for _, s := range services {
		source := fmt.Sprintf("SRV _%s._tcp.%s", s.service, a.domain)
		_, records, err := f.Resolver.LookupSRV(ctx, s.service, "tcp", a.domain) // sorted by priority and weight
		if err != nil {
			report.failed(source, short(err))
		}
		for _, record := range records[:min(len(records), 8)] {
			if record.Target == "." { // RFC 6186, section 3.4
				report.failed(source, errors.New("the domain says that it has no such service"))
				continue
			}
			server := Server{
				Protocol: s.protocol, Source: source,
				Server: preset.Server{Host: record.Target, Port: int(record.Port), TLS: s.tls, Auth: []string{"password"}},
			}
			before := len(report.Servers)
			report.add(server)
			for i := before; i < len(report.Servers); i++ {
				report.Servers[i].Unproven = !a.owns(report.Servers[i].Host)
			}
		}
	}
}

func (f Finder) byDomain(_ context.Context, a target, report *Report) {
	if p, ok := preset.ByAddress(a.address); ok {
		report.preset(p, "preset "+p.Name)
	}
}

// byMX knows domains of customers of a provider. The host names are the preset's, so DNS can mislead, but only to a provider
// that is known.
func (f Finder) byMX(ctx context.Context, a target, report *Report) {
	source := "MX " + a.domain
	records, err := f.Resolver.LookupMX(ctx, a.domain)
	if err != nil {
		report.failed(source, short(err))
	}
	for _, record := range records {
		if p, ok := preset.ByMX(record.Host); ok {
			report.preset(p, fmt.Sprintf("%s, preset %s", source, p.Name))
			return
		}
	}
	if err == nil {
		report.failed(source, errors.New("no provider that is known"))
	}
}

func (r *Report) preset(p preset.Preset, source string) {
	r.add(Server{Protocol: IMAP, Server: p.IMAP, Source: source})
	r.add(Server{Protocol: SMTP, Server: p.SMTP, Source: source})
	r.Hints = append(r.Hints, p.Hints...)
}

// short leaves the name and the address of the resolver out of an error of a lookup.
func short(err error) error {
	failure := new(net.DNSError)
	if errors.As(err, &failure) {
		if failure.IsNotFound {
			return errors.New("no such record")
		}
		return errors.New(failure.Err)
	}
	return err
}
