// <milepost-status>: the status of a fleet of proxies, in any page.
//
//	<script type="module" src="https://status.example.net/widget.js"></script>
//	<milepost-status><a href="https://status.example.net/">Status</a></milepost-status>
//
// src      status.json, or several, with spaces between; default: beside this file.
//          Of several the one with the longest lease from a monitor that sees is shown.
// history  history.json, or "none"; default: beside the status.json that is shown.
// mode     "compact": one line; "bar": with 90 days (default); "full": with every host.
// words    JSON that names states in another language: {"up": "läuft", ...}.
//
// Looks: --milepost-up, -degraded, -down, -maintenance, -unknown, -ink, -soft, -ground,
// -line, -font, -radius, and color-scheme; ::part(headline|time|host).
// What is inside the element is shown where no script runs.

const css = `
:host{--u:var(--milepost-up,light-dark(#1a7f45,#4cb96a));--g:var(--milepost-degraded,light-dark(#8f5f00,#e0a83a));
--d:var(--milepost-down,light-dark(#c62f2f,#ff7368));--m:var(--milepost-maintenance,light-dark(#3a5fc0,#74a9ee));
--n:var(--milepost-unknown,light-dark(#646a73,#9aa3aa));--i:var(--milepost-ink,light-dark(#1d2328,#e3e7ea));
--o:var(--milepost-soft,light-dark(#5b656d,#98a3ab));--l:var(--milepost-line,light-dark(#dfe4e8,#2f373d));
display:block;color-scheme:light dark;box-sizing:border-box;padding:.85em 1em;border:1px solid var(--l);
border-radius:var(--milepost-radius,.5em);background:var(--milepost-ground,light-dark(#fff,#14181b));color:var(--i);
font:var(--milepost-font,15px/1.4 system-ui,sans-serif);font-variant-numeric:tabular-nums;text-align:start}
:host([hidden]){display:none}
p,ul,table{margin:0;padding:0}p{overflow-wrap:anywhere}
.u{--c:var(--u)}.g{--c:var(--g)}.d{--c:var(--d)}.m{--c:var(--m)}.n{--c:var(--n)}
b{color:var(--c);font-weight:600}i{font-style:normal;display:inline-block;min-width:1.2em;text-align:center}
.time,small,summary,.told{color:var(--o);font-size:.82em}
.days{display:block;inline-size:100%;block-size:2.2em;margin-block:.55em .15em;border-radius:2px;outline-offset:3px}
[dir=rtl] .days{transform:scaleX(-1)}
:focus-visible{outline:2px solid var(--i)}
.days rect{fill:var(--l)}.days .u{fill:var(--u)}.days .g{fill:var(--g)}.days .d{fill:var(--d)}.days .m{fill:var(--m)}.days .at{fill:none;stroke:var(--i);stroke-width:1.5}
.line{display:flex;justify-content:space-between;gap:1em}.line b{white-space:nowrap}
ul{list-style:none}li{padding-block:.45em;border-block-start:1px solid var(--l)}li .days{block-size:1.3em;margin-block:.3em 0}li .told{opacity:.85}
summary{cursor:pointer;min-block-size:24px;list-style:none}ul+details>summary{padding-block-start:.6em;border-block-start:1px solid var(--l)}
table{border-collapse:collapse;font-size:.82em}td,th{padding:.15em .8em .15em 0;text-align:start;font-weight:400}
.off{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.over .days{filter:grayscale(1);opacity:.45}
@media (forced-colors:active){.days{forced-color-adjust:none}.days rect{fill:GrayText}.days .u{fill:CanvasText}.days .d,.days .g{fill:Mark}.days .m{fill:Highlight}.days .at{fill:none;stroke:Highlight}}
`;

const letters = {up: "u", degraded: "g", down: "d", maintenance: "m", unknown: "n"};
const shapes = {up: "✓", degraded: "!", down: "✕", maintenance: "⚒", unknown: "?"};
const order = ["down", "degraded", "unknown", "maintenance", "up"];
const svg = "http://www.w3.org/2000/svg";
let sheet;

// make makes an element. Text is text: nothing that a monitor says becomes markup.
function make(name, attributes, ...inside) {
	const e = name === "svg" || name === "rect" ? document.createElementNS(svg, name) : document.createElement(name);
	for (const a in attributes) e.setAttribute(a, attributes[a]);
	e.append(...inside);
	return e;
}

const known = (s) => (letters[s] ? s : "unknown");

// A source is one status.json, and how old it is by its server's clock.
class Source {
	constructor(url) {
		this.url = url;
	}

	async load() {
		const r = await fetch(this.url, {cache: "no-cache", credentials: "omit", signal: AbortSignal.timeout(10000)});
		const d = await r.json();
		if (!r.ok || !/^milepost\.status\/1$/.test(d.schema) || !Array.isArray(d.components)) throw new Error("no status.json of milepost");
		const date = Date.parse(r.headers.get("date")) + 1000 * (r.headers.get("age") || 0);
		if (this.doc && d.seq < this.doc.seq && Date.parse(d.data_at) <= Date.parse(this.doc.data_at)) return; // an old one, out of a cache
		const until = Date.parse(d.valid_until);
		const length = until - Date.parse(d.data_at);
		// Without a clock of the server's, the lease begins when the document changes.
		const left = date ? until - date : length;
		if (date || !this.doc || d.seq !== this.doc.seq) {
			this.left = left || 0;
			this.mono = performance.now();
			this.wall = Date.now();
		}
		this.doc = d;
	}

	// lease is how many milliseconds are left. The monotonic clock may stand still
	// while the machine sleeps, and the other may be set: the later one is believed.
	lease() {
		return this.doc ? this.left - Math.max(performance.now() - this.mono, Date.now() - this.wall) : -1;
	}

	sees() {
		const {status, vantages: v = {}} = this.doc.monitor || {};
		return status !== "blind" && !(v.healthy < (v.quorum ?? v.total / 2));
	}
}

class MilepostStatus extends HTMLElement {
	static observedAttributes = ["src", "history", "mode", "words"];

	connectedCallback() {
		if (!this.shadowRoot) {
			const root = this.attachShadow({mode: "open"});
			if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
			root.adoptedStyleSheets = [sheet];
			// The live region stands before anything is said in it.
			this.spoken = make("span", {role: "status", "aria-atomic": "true", class: "off"});
			this.box = make("div", {}, make("slot"));
			root.append(this.spoken, this.box);
		}
		this.seen = () => document.hidden || this.poll();
		document.addEventListener("visibilitychange", this.seen);
		this.clock = setInterval(() => this.show(), 1000);
		this.start();
	}

	disconnectedCallback() {
		document.removeEventListener("visibilitychange", this.seen);
		clearInterval(this.clock);
		clearTimeout(this.next);
	}

	attributeChangedCallback() {
		if (this.box && this.isConnected) this.start();
	}

	start() {
		const urls = (this.getAttribute("src") || new URL("status.json", import.meta.url).href).split(/\s+/).filter(Boolean);
		this.sources = urls.map((u) => new Source(new URL(u, document.baseURI).href));
		try {
			this.words = JSON.parse(this.getAttribute("words") || "{}");
		} catch {
			this.words = {};
		}
		this.drawn = this.past = null;
		this.cache = {}; // the days that are drawn
		this.failures = 0;
		this.poll();
	}

	async poll() {
		clearTimeout(this.next);
		const sources = this.sources;
		const results = await Promise.allSettled(sources.map((s) => s.load()));
		if (sources !== this.sources || !this.isConnected) return; // it was told of others meanwhile
		this.asked = true;
		this.failures = results.some((r) => r.status === "fulfilled") ? 0 : this.failures + 1;
		await this.remember();
		this.show();
		clearTimeout(this.next);
		const round = Math.min(Math.max((this.best()?.doc?.interval_s || 60) * 500, 5000), 60000) * 2 ** Math.min(this.failures, 3);
		this.next = setTimeout(() => document.hidden || this.poll(), round * (0.8 + 0.4 * Math.random()));
	}

	// best is the source to show: the freshest lease of a monitor that sees.
	best() {
		const rank = (s) => (s.doc ? (s.lease() > 0 ? (s.sees() ? 3 : 2) : 1) : 0);
		return [...this.sources].sort((a, b) => rank(b) - rank(a) || b.lease() - a.lease())[0];
	}

	// remember loads the days, every ten minutes.
	async remember() {
		const best = this.best();
		const from = this.getAttribute("history") || "history.json";
		if (!best?.doc || from === "none" || this.getAttribute("mode") === "compact" || (this.past && performance.now() - this.past.at < 6e5)) return;
		try {
			const base = this.hasAttribute("history") ? document.baseURI : best.url;
			const r = await fetch(new URL(from, base), {credentials: "omit", signal: AbortSignal.timeout(10000)});
			const d = await r.json();
			if (r.ok && d.schema === "milepost.history/1") {
				this.past = {...d, at: performance.now()};
				this.cache = {};
			}
		} catch {
			// There is a status without a past.
		}
	}

	word(s) {
		return this.words[s] || s;
	}

	// show draws what may be said now, if that is something else than before.
	show() {
		const best = this.best();
		if (!this.asked) return;
		const live = best.lease() > 0;
		const key = [best.url, best.doc?.seq, live, this.past?.at].join();
		if (key === this.drawn) return;
		this.drawn = key;
		const d = best.doc;
		const state = live ? known(d.status) : "unknown";
		const clock = (t) => new Date(t).toLocaleTimeString(this.closest("[lang]")?.lang || undefined, {hour: "2-digit", minute: "2-digit"});
		let text = d?.summary || "";
		if (!d) text = "the status cannot be reached ";
		else if (!live) text = `nothing was heard since ${clock(d.data_at)}; it was ${this.word(known(d.status))} then`;
		const open = [...this.box.querySelectorAll("details")].map((e) => e.open);
		const inside = [
			make("p", {part: "headline", class: letters[state]}, make("b", {}, make("i", {"aria-hidden": "true"}, shapes[state]), this.word(state)), " ", make("bdi", {}, text)),
		];
		if (d?.data_at) inside.push(make("p", {part: "time", class: "time"}, "as of ", make("time", {datetime: d.data_at}, clock(d.data_at))));
		else inside.push(make("slot"));
		const mode = this.getAttribute("mode");
		if (d && mode !== "compact") inside.push(...this.days(this.past?.components, d.components));
		if (d && mode === "full") inside.push(this.hosts(d, live));
		this.box.className = live ? "" : "over";
		this.box.dir = getComputedStyle(this).direction;
		const focus = this.shadowRoot.activeElement?.id;
		this.box.replaceChildren(...inside);
		this.box.querySelectorAll("details").forEach((e, i) => (e.open = open[i] || false));
		if (focus) this.shadowRoot.getElementById(focus)?.focus();
		const say = `${this.word(state)}: ${text}`;
		if (this.said !== say) this.spoken.textContent = this.said = say;
		this.dispatchEvent(new CustomEvent("milepost-status", {detail: {status: state, document: d}}));
	}

	hosts(d, live) {
		const all = d.components.map((c) => ({...c, status: live ? known(c.status) : "unknown"}));
		all.sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status) || String(a.name).localeCompare(b.name));
		const item = (c) => {
			const why = live ? c.maintenance?.reason || (c.reason || "").replaceAll("_", " ") : "";
			const state = make("b", {}, make("i", {"aria-hidden": "true"}, shapes[c.status]), this.word(c.status));
			const line = make("p", {class: "line"}, make("span", {}, make("bdi", {}, c.name), " ", make("small", {}, why)), state);
			return make("li", {part: "host", class: letters[c.status]}, line, ...this.days(this.past?.components.filter((p) => p.id === c.id), [c]));
		};
		const bad = all.filter((c) => c.status !== "up");
		const rest = all.slice(bad.length);
		const list = make("ul", {}, ...bad.slice(0, 50).map(item));
		if (bad.length > 50 || rest.length) {
			const more = make("details", {}, make("summary", {}, `${all.length - Math.min(bad.length, 50)} more`));
			// What nobody opens is not drawn.
			more.addEventListener("toggle", () => more.children.length > 1 || more.append(make("ul", {}, ...bad.slice(50).concat(rest).map(item))));
			return make("div", {}, list, more);
		}
		return list;
	}

	// days is the 90 days of some hosts together: a picture with keys, and a table.
	days(hosts, components) {
		const id = "d" + (components.length === 1 ? components[0].id : "");
		if (!hosts?.length || this.cache[id]) return this.cache[id] || [];
		const n = this.past.days;
		const first = Date.parse(this.past.from);
		const all = [];
		for (let i = 0; i < n; i++) {
			const sum = [0, 0, 0, 0];
			for (const h of hosts) (h.days[i] || []).forEach((s, k) => (sum[k] += s));
			const whole = hosts.length * (i === n - 1 ? this.past.today_s : 86400);
			const [up, slow, down, work] = sum;
			const seen = up + slow + down;
			const date = new Date(first + i * 864e5).toLocaleDateString(undefined, {timeZone: "UTC", day: "numeric", month: "short"});
			const share = (x) => Math.floor(x * 1e4 + 1e-7) / 100 + " %";
			let text = seen ? share((up + slow) / seen) + " up" : work ? "maintenance" : "not measured";
			if (seen && seen + work < whole * 0.98) text += `, measured ${share((seen + work) / whole)}`;
			all.push({up, slow, down, work, seen, whole, date, text});
		}
		const bad = all.filter((d) => d.down).length;
		const dark = all.filter((d) => !d.seen && !d.work).length;
		const label = `${n} days: ${bad} with outages, ${dark} not measured`;
		const picture = make("svg", {id, class: "days", viewBox: `0 0 ${n * 4 - 1} 30`, preserveAspectRatio: "none", tabindex: "0", role: "img", "aria-label": label + ". Arrow keys tell the days."});
		all.forEach((d, i) => this.bar(picture, d, i));
		const mark = make("rect", {class: "at", y: "1", width: "3", height: "28", visibility: "hidden"});
		picture.append(mark);
		const say = make("bdi", {"aria-live": "polite"}, label);
		let at = n;
		const tell = (i) => {
			at = Math.min(Math.max(i, 0), n - 1);
			mark.setAttribute("x", at * 4);
			mark.setAttribute("visibility", "visible");
			say.textContent = `${all[at].date}: ${all[at].text}`;
		};
		const leave = () => {
			at = n;
			mark.setAttribute("visibility", "hidden");
			say.textContent = label;
		};
		picture.addEventListener("pointermove", (e) => {
			const r = picture.getBoundingClientRect();
			const x = (e.clientX - r.left) / r.width;
			tell(Math.floor((this.box.dir === "rtl" ? 1 - x : x) * n));
		});
		picture.addEventListener("pointerleave", leave);
		picture.addEventListener("blur", leave);
		picture.addEventListener("keydown", (e) => {
			const back = this.box.dir === "rtl" ? 1 : -1;
			const to = {ArrowLeft: at + back, ArrowRight: at - back, Home: 0, End: n - 1}[e.key];
			if (e.key === "Escape") leave();
			else if (to !== undefined) tell(to);
			else return;
			e.preventDefault();
		});
		const table = make("details", {}, make("summary", {class: "told"}, say, " · table"));
		table.addEventListener("toggle", () => {
			if (table.children.length > 1) return;
			table.append(make("table", {}, ...all.toReversed().map((d) => make("tr", {}, make("th", {scope: "row"}, d.date), make("td", {}, make("bdi", {}, d.text))))));
		});
		return (this.cache[id] = [picture, table]);
	}

	// bar draws a day: as high as it was measured, with what was bad of it from below,
	// large enough to be seen.
	bar(picture, d, i) {
		const rect = (y, height, kind) => picture.append(make("rect", {x: i * 4, y, width: 3, height, class: kind}));
		rect(28, 2, "");
		const high = (30 * (d.seen + d.work)) / (d.whole || 1);
		if (high <= 0) return;
		rect(30 - high, high, d.seen ? "u" : "m");
		let y = 30;
		for (const [part, kind] of [[d.down, "d"], [d.slow, "g"], [d.work, "m"]]) {
			if (!part || !d.seen) continue;
			const h = Math.min(Math.max((30 * part) / d.whole, 6), y);
			rect((y -= h), h, kind);
		}
	}
}

customElements.get("milepost-status") || customElements.define("milepost-status", MilepostStatus);
