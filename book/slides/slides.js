/* Shows a deck with reveal.js once its formulas stand; on a narrow screen it stays a page to scroll. */
(function () {
  "use strict";

  const root = document.documentElement;
  const wide = matchMedia("(min-width: 700px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function paint(isDark) {
    root.dataset.theme = isDark ? "dark" : "light";
  }
  paint(dark.matches);
  dark.addEventListener("change", (event) => paint(event.matches));

  /* The notes stand in a window that this page writes into, so that they work from a disk, too. */
  const speaker = { window: null, began: 0 };

  function planned() {
    const slides = Reveal.getSlides();
    const minutes = slides.map((slide) => Number(slide.dataset.minutes || 0));
    const sum = (list) => list.reduce((total, one) => total + one, 0);
    return { here: sum(minutes.slice(0, Reveal.getIndices().h + 1)), all: sum(minutes) };
  }

  function tell() {
    if (!speaker.window || speaker.window.closed) return;
    const page = speaker.window.document;
    const slide = Reveal.getCurrentSlide();
    const next = slide.nextElementSibling;
    const title = (section) => section.querySelector("h1, h2").innerHTML;
    page.querySelector("h1").innerHTML = title(slide);
    page.querySelector("main").innerHTML = slide.querySelector("aside.notes")?.innerHTML || "";
    page.querySelector("p").innerHTML = next ? "Next: " + title(next) : "This is the end.";
    tick();
  }

  function tick() {
    if (!speaker.window || speaker.window.closed) return;
    const { here, all } = planned();
    const passed = Math.floor((Date.now() - speaker.began) / 60000);
    speaker.window.document.querySelector("footer").textContent =
      `${passed} minutes have passed; this slide should end after ${here} of ${all} minutes.`;
  }

  function openNotes() {
    speaker.window = window.open("", "notes", "width=700,height=600");
    if (!speaker.window) return;
    speaker.began = speaker.began || Date.now();
    const page = speaker.window.document;
    page.documentElement.lang = "en";
    page.title = "Notes: " + document.title;
    page.body.style.cssText = "font: 22px/1.45 system-ui, sans-serif; margin: 1.5rem; max-width: 42rem";
    page.body.innerHTML = "<h1></h1><main></main><hr><p></p><footer></footer>";
    /* The speaker may turn the pages from either window. */
    page.onkeydown = (event) => {
      if (["ArrowRight", "PageDown", " "].includes(event.key)) Reveal.next();
      if (["ArrowLeft", "PageUp"].includes(event.key)) Reveal.prev();
    };
    const style = [...document.querySelectorAll("style[id^=MJX]")].map((one) => one.outerHTML);
    page.head.innerHTML += style.join("");
    tell();
  }

  function start() {
    root.dataset.ready = "page";
    if (!wide.matches) return;
    Reveal.initialize({
      width: 960,
      height: 540,
      margin: 0.05,
      center: false,
      display: "flex",
      hash: true,
      scrollActivationWidth: null,
      slideNumber: "c/t",
      transition: matchMedia("(prefers-reduced-motion: reduce)").matches ? "none" : "fade",
      /* Arrow keys belong to a list or a slider while it has the focus. */
      keyboardCondition: () => !document.activeElement.matches("input, select"),
    }).then(() => {
      Reveal.addKeyBinding({ keyCode: 68, key: "D", description: "Light or dark" }, () =>
        paint(root.dataset.theme === "light"),
      );
      Reveal.addKeyBinding({ keyCode: 83, key: "S", description: "Notes" }, openNotes);
      /* Once a slider is let go, the clicker turns pages again. */
      document.addEventListener("pointerup", () => document.activeElement.matches("input, select") && document.activeElement.blur());
      setInterval(tick, 10000);
      /* A chart has no width until its slide is there. */
      Reveal.on("slidechanged", () => window.dispatchEvent(new Event("resize")));
      Reveal.on("slidechanged", tell);
      window.dispatchEvent(new Event("resize"));
      root.dataset.ready = "slides";
    });
  }

  if (!root.classList.contains("deck")) return;
  window.MathJax = {
    startup: { pageReady: () => MathJax.startup.defaultPageReady().then(start) },
    chtml: { matchFontHeight: false },
  };
  wide.addEventListener("change", () => location.reload());
})();
