package statusbar

import (
	"time"

	"milepost/lib/hoststate"
)

// The spelling of Atlassian Statuspage's public API, v2: what many dashboards and
// chat bots already read. It has no word for "unknown", so an unknown component is
// degraded_performance and says so, and an unknown page is minor: neither the
// green nor the red would be true.

// A statusPanel, a componentsPanel and a summaryPanel are the answers of the three
// routes. milepost knows of no incidents that somebody writes about.
type statusPanel struct {
	Page   panelPage   `json:"page"`
	Status panelStatus `json:"status"`
}

type componentsPanel struct {
	Page       panelPage        `json:"page"`
	Components []panelComponent `json:"components"`
}

type summaryPanel struct {
	Page         panelPage        `json:"page"`
	Status       panelStatus      `json:"status"`
	Components   []panelComponent `json:"components"`
	Incidents    []struct{}       `json:"incidents"`
	Maintenances []struct{}       `json:"scheduled_maintenances"`
}

func (c content) statusPanel() statusPanel { return statusPanel{c.panelPage(), c.panelStatus()} }

func (c content) componentsPanel() componentsPanel {
	return componentsPanel{c.panelPage(), c.panelComponents()}
}

func (c content) summaryPanel() summaryPanel {
	return summaryPanel{c.panelPage(), c.panelStatus(), c.panelComponents(), []struct{}{}, []struct{}{}}
}

type panelPage struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	TimeZone  string `json:"time_zone"`
	UpdatedAt stamp  `json:"updated_at"`
}

type panelStatus struct {
	Indicator   hoststate.Impact `json:"indicator"`
	Description string           `json:"description"`
}

// A panelComponent has all fields of the original, since typed clients want them.
type panelComponent struct {
	ID                 string  `json:"id"`
	Name               string  `json:"name"`
	Status             string  `json:"status"`
	CreatedAt          stamp   `json:"created_at"`
	UpdatedAt          stamp   `json:"updated_at"`
	Position           int     `json:"position"`
	Description        *string `json:"description"`
	Showcase           bool    `json:"showcase"`
	StartDate          *string `json:"start_date"`
	GroupID            *string `json:"group_id"`
	PageID             string  `json:"page_id"`
	Group              bool    `json:"group"`
	OnlyShowIfDegraded bool    `json:"only_show_if_degraded"`
}

func (c content) panelPage() panelPage {
	return panelPage{c.page.ID, c.page.Name, c.page.URL, "Etc/UTC", stamp(c.generatedAt)}
}

func (c content) panelStatus() panelStatus {
	rolled := c.rollUp()
	s := panelStatus{rolled.Impact, rolled.Summary}
	switch {
	case rolled.Impact == hoststate.None:
		s.Description = "All Systems Operational"
	case rolled.Status == hoststate.Unknown:
		s.Description = unavailable(c.lastSight())
	}
	return s
}

// lastSight is when anything was measured last.
func (c content) lastSight() time.Time {
	var last time.Time
	for _, h := range c.hosts {
		if h.CheckedAt.After(last) {
			last = h.CheckedAt
		}
	}
	return last
}

func unavailable(since time.Time) string {
	if since.IsZero() {
		return "Monitoring data unavailable: nothing was measured yet"
	}
	return "Monitoring data unavailable since " + since.UTC().Format("2006-01-02 15:04") + " UTC"
}

func (c content) panelComponents() []panelComponent {
	all := make([]panelComponent, len(c.hosts))
	for i, h := range c.hosts {
		// It is not known when a host was added: both times are that of its last change.
		changed := stamp(h.Since)
		if h.Since.IsZero() {
			changed = stamp(c.generatedAt)
		}
		all[i] = panelComponent{
			ID: h.ID, Name: h.Name, Status: spell(h.Status).Panel,
			CreatedAt: changed, UpdatedAt: changed, Position: i + 1, PageID: c.page.ID,
		}
		if text := h.description(); text != "" {
			all[i].Description = &text
		}
	}
	return all
}

// description is what Statuspage's states cannot say of the host.
func (h Component) description() string {
	if h.Status != hoststate.Unknown {
		return sentence(h.Reason)
	}
	text := unavailable(h.CheckedAt)
	if h.LastKnown != hoststate.Unknown {
		text += "; last confirmed: " + h.LastKnown.String()
	}
	return text
}
