// A page that was written to a file goes grey when its lease is over by the clock of
// whoever serves it, or by the visitor's if that cannot be read.
const until = Date.parse(document.body.dataset.until);
let now = Date.now();
let since = performance.now();
try {
	const r = await fetch(location.href, {method: "HEAD", cache: "no-cache"});
	const date = Date.parse(r.headers.get("date")) + 1000 * (r.headers.get("age") || 0);
	if (date) [now, since] = [date, performance.now()];
} catch {
	// Its own clock will do.
}
const look = () => {
	if (now + performance.now() - since < until || document.body.className) return;
	document.body.className = "over";
	const said = document.querySelector("[role=status]");
	said.className = "now n";
	said.textContent = `? unknown; it was ${said.querySelector("b").lastChild.data}:${said.lastChild.data}`;
};
look();
setInterval(look, 1000);
