package nagios

import (
	"strings"

	"milepost/lib/option"
	"milepost/lib/verdict"
	"milepost/lib/version"
)

// describe prints what the plugin is, for programs. It exits 3, as --help does.
func (r *run) describe() int {
	p := option.Program{
		Name: r.name(), Version: version.String(), About: r.About, Local: r.IsLocal, Afar: r.IsAfar,
		Options: r.options.Describe(),
	}
	common := option.New(&Common{})
	for i, o := range p.Options {
		p.Options[i].Common = common.Has(o.Name)
	}
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		return r.end(err)
	}
	return r.print(b.String(), verdict.Unknown)
}
