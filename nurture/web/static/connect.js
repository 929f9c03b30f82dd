// The calls are looked at again every ten seconds; without this script people reload the page.
(() => {
  const shown = document.getElementById("calls");

  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const latest = page.getElementById("calls");
      if (latest && latest.innerHTML !== shown.innerHTML) shown.innerHTML = latest.innerHTML;
    } catch {
      // The next look may succeed, and until then the page shows what was last known.
    }
  };

  setInterval(look, 10_000);
})();
