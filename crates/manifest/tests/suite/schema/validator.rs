//! The validator, where it and the schema are there.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Reads MPDs, each behind a line with its length and name, and says what is wrong with them.
const SCRIPT: &str = "import sys, xmlschema
schema = xmlschema.XMLSchema(sys.argv[1], allow='local')
wrong, read = 0, sys.stdin.buffer
while line := read.readline().decode():
    length, name = line.rstrip().split(' ', 1)
    for error in schema.iter_errors(read.read(int(length)).decode()):
        wrong += 1
        print(f'{name}: {error.path}: {error.reason}')
sys.exit(1 if wrong else 0)";

pub(crate) struct Validator {
    schema: OsString,
    packages: OsString,
}

impl Validator {
    /// `XMLSCHEMA` is the folder with the Python package, which `cargo xtask` installs.
    pub(crate) fn find() -> Option<Self> {
        let found = (std::env::var_os("MATINEE_DASH_SCHEMA"), std::env::var_os("XMLSCHEMA"));
        let (Some(schema), Some(packages)) = found else {
            println!("SKIPPED: MATINEE_DASH_SCHEMA and XMLSCHEMA name no schema and no validator");
            return None;
        };
        Some(Self { schema, packages })
    }

    /// All of them are valid, and one that is damaged would not be.
    pub(crate) fn check(&self, mpds: &[(&str, String)]) {
        let (is_valid, said) = self.run(mpds);
        assert!(is_valid, "{said}");
        let (_, first) = &mpds[0];
        let damaged = first.replacen("<AdaptationSet", "<AdaptationSets", 1);
        let damaged = damaged.replacen("</AdaptationSet>", "</AdaptationSets>", 1);
        let (is_valid, said) = self.run(&[("damaged", damaged)]);
        assert!(!is_valid && said.contains("AdaptationSets"), "{said}");
    }

    fn run(&self, mpds: &[(&str, String)]) -> (bool, String) {
        let mut python = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(&self.schema)
            .env("PYTHONPATH", &self.packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut given = python.stdin.take().unwrap();
        let all: String = mpds.iter().map(|(name, mpd)| format!("{} {name}\n{mpd}", mpd.len())).collect();
        // Beside reading what it says: it does not read on where nobody does. One that has ended says why.
        let giving = std::thread::spawn(move || given.write_all(all.as_bytes()));
        let done = python.wait_with_output().unwrap();
        let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        let is_there = !said[1].contains("No module named 'xmlschema'");
        assert!(is_there, "XMLSCHEMA names no folder with the Python package xmlschema: {}", said[1]);
        let given = giving.join().unwrap();
        assert!(
            given.is_ok() || !done.status.success(),
            "not all was read, and it says that all is well: {given:?}"
        );
        (done.status.success(), said.concat())
    }
}
