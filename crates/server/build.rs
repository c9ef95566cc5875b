//! With the feature `embed-site`: which folder goes into the binary, and when to take it anew.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-env-changed=MATINEE_SITE_DIR");
    if std::env::var_os("CARGO_FEATURE_EMBED_SITE").is_none() {
        return;
    }
    let site = std::env::var_os("MATINEE_SITE_DIR").map(PathBuf::from);
    match site
        .as_ref()
        .and_then(|site| site.canonicalize().ok())
        .filter(|site| site.join("site.json").is_file())
    {
        Some(site) => {
            println!("cargo:rerun-if-changed={}", site.display());
            println!("cargo:rustc-env=MATINEE_SITE_DIR={}", site.display());
        }
        None => println!(
            "cargo::error=feature embed-site: MATINEE_SITE_DIR must name the built site (run `cargo xtask build`)"
        ),
    }
}
