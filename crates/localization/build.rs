//! Makes a function of each message of the English file, so that what is not in it does not compile.

use std::path::PathBuf;

fn main() {
    const ENGLISH: &str = "../../www/languages/en.ftl";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ENGLISH}");
    let made = std::fs::read_to_string(ENGLISH)
        .map_err(|error| error.to_string())
        .and_then(|text| fluent_compiler::Reference::parse(&text).map_err(|error| error.to_string()))
        .and_then(|english| {
            let folder = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
            std::fs::write(PathBuf::from(folder).join("messages.rs"), english.rust())
                .map_err(|error| error.to_string())
        });
    if let Err(problem) = made {
        for line in problem.lines() {
            println!("cargo::error=www/languages/en.ftl: {line}");
        }
    }
}
