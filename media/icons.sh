#!/usr/bin/env bash
# Draws the site's icons in PNG from those in SVG, for systems that take no SVG. What it makes is committed: it runs
# only when the drawings have changed, and needs Chromium.
set -euo pipefail
www="$(cd "$(dirname "$0")/../www" && pwd)"
chromium="${CHROMIUM:-chromium}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

# Drawing, pixels of a side, file.
draw() {
    printf '<!doctype html><style>html,body{margin:0}img{display:block;width:100vw;height:100vh}</style><img src="%s">' \
        "$www/$1" > "$folder/page.html"
    "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
        --default-background-color=00000000 --window-size="$2,$2" --screenshot="$www/$3" "file://$folder/page.html"
}

draw icon.svg 192 icon-192.png
draw icon.svg 512 icon-512.png
draw icon-maskable.svg 512 icon-maskable-512.png
# It is shown with corners of the system's own, and transparent ones would be black.
draw icon-maskable.svg 180 apple-touch-icon.png
