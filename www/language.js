// Which language the page speaks: the viewer's choice on this device, else the first of the browser's that there is,
// else English, which needs no table. The site lists the others as `tag,direction,address,manifest`.
const listed = document.querySelector("meta[name=matinee-languages]")?.content ?? "";
const known = new Map(listed.split(" ").filter(Boolean).map((entry) => {
  const [tag, direction, address, manifest] = entry.split(",");
  return [tag.toLowerCase(), { tag, direction, address, manifest }];
}));

// Frames of other sites may have no storage.
function chosen() {
  try {
    return JSON.parse(localStorage.getItem("matinee.language"));
  } catch {
    return null;
  }
}

function wanted() {
  for (const tag of [chosen(), ...(navigator.languages ?? [])]) {
    const whole = String(tag ?? "").toLowerCase();
    const [primary] = whole.split("-");
    const found = known.get(whole) ?? known.get(primary);
    if (found || primary === "en") {
      return found;
    }
  }
  return undefined;
}

// What the site is called.
export const brand = document.querySelector("meta[name=matinee-brand]")?.content ?? "Matinee";

function declare(tag, direction) {
  document.documentElement.lang = tag;
  document.documentElement.dir = direction;
}

// A table that takes longer does not come: the page is in English then.
const WAIT_MS = 5000;

// The language's table; none for English, nor where it does not come. Which language it is, and in which direction
// that is written, is declared at once: before anything is painted where rendering waits for this script. The table
// itself comes later.
export async function language() {
  const found = wanted();
  if (!found) {
    return undefined;
  }
  declare(found.tag, found.direction);
  // What browsers install then is in the language, too.
  const manifest = document.querySelector("link[rel=manifest]");
  if (manifest && found.manifest) {
    manifest.href = found.manifest;
  }
  try {
    const answer = await fetch(found.address, { signal: AbortSignal.timeout?.(WAIT_MS) });
    if (answer.ok) {
      return await answer.json();
    }
  } catch (error) {
    console.error(error);
  }
  declare("en", "ltr");
  return undefined;
}

// A page without the app names the message of each of its elements.
const named = document.querySelectorAll("[data-say]");
if (named.length > 0) {
  const words = (await language())?.early ?? {};
  for (const element of named) {
    element.textContent = words[element.dataset.say] ?? element.textContent;
  }
  document.title = `${document.querySelector("h1").textContent} · ${brand}`;
}
