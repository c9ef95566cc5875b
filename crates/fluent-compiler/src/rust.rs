//! Functions in Rust for what there is to say.

use std::fmt::Write;

use super::{Kind, Message, Reference};

/// Messages that are looked up by the rest of their name: what codes mean. Each has a value, `.text` and
/// `.more`.
pub const OF_CODES: &str = "code-";
/// Messages that are said without the app.
pub const WITHOUT_THE_APP: &str = "early-";

impl Message {
    /// The name of its function.
    pub fn function(&self) -> String {
        self.key.replace(['-', '.'], "_")
    }

    /// Whether there is a function that says it.
    pub fn has_function(&self) -> bool {
        !self.key.starts_with(OF_CODES) && !self.key.starts_with(WITHOUT_THE_APP)
    }
}

impl Reference {
    /// A module's text: a function for each message, `ENGLISH` with all patterns, `FINGERPRINT`, and `CODES`:
    /// each code with the place of its title, behind which stand its text and what else there is to know.
    ///
    /// It uses `text(place) -> &'static str`, `render(place, values) -> String` and `Value` of the module
    /// around.
    pub fn rust(&self) -> String {
        let mut out = String::from(
            "/// What there is to say: a function for each message of the English file.\npub mod say {\n    use super::{Value, render, text};\n",
        );
        for (place, message) in self.messages.iter().enumerate() {
            if message.has_function() {
                out += &function(place, message);
            }
        }
        out += "}\n\n";
        let count = self.messages.len();
        let _ = writeln!(out, "/// English, as compact patterns.\nstatic ENGLISH: [&str; {count}] = [");
        for message in &self.messages {
            let _ = writeln!(out, "    {:?},", message.pattern);
        }
        let _ = writeln!(
            out,
            "];\n\n/// Tells this set of messages from others.\npub const FINGERPRINT: &str = {:?};\n",
            self.fingerprint()
        );
        out += "/// Codes, and where their words are.\nconst CODES: &[(&str, usize)] = &[\n";
        for (place, message) in self.messages.iter().enumerate() {
            if let Some(code) = message.key.strip_prefix(OF_CODES).filter(|code| !code.contains('.')) {
                let _ = writeln!(out, "    ({code:?}, {place}),");
            }
        }
        out += "];\n";
        out
    }
}

fn function(place: usize, message: &Message) -> String {
    let name = message.function();
    let documentation = format!("`{}`", message.pattern);
    if message.variables.is_empty() {
        return format!(
            "\n    #[doc = {documentation:?}]\n    pub fn {name}() -> &'static str {{\n        text({place})\n    }}\n"
        );
    }
    let of = |(name, kind): &(String, Kind)| {
        let name = name.replace('-', "_");
        match kind {
            Kind::Text => (format!("{name}: &str"), format!("Value::Text({name})")),
            Kind::Number => (format!("{name}: f64"), format!("Value::Number({name})")),
        }
    };
    let (parameters, values): (Vec<String>, Vec<String>) = message.variables.iter().map(of).unzip();
    let (parameters, values) = (parameters.join(", "), values.join(", "));
    format!(
        "\n    #[doc = {documentation:?}]\n    pub fn {name}({parameters}) -> String {{\n        render({place}, &[{values}])\n    }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_function_with_its_variables() {
        let text = "play = Play\n    .label = Play { $title }\nfilms = { $count ->\n    [one] 1 of { $all-of-them }\n   *[other] { $count }\n    }\ncode-NO = No\n    .text = No.\n    .more = No!\nearly-word = Wait\n";
        let rust = Reference::parse(text).unwrap().rust();
        for part in [
            "pub fn play() -> &'static str {\n        text(0)",
            "pub fn play_label(title: &str) -> String {\n        render(1, &[Value::Text(title)])",
            "pub fn films(count: f64, all_of_them: &str) -> String {\n        render(2, &[Value::Number(count), Value::Text(all_of_them)])",
            "static ENGLISH: [&str; 7] = [",
            "    \"Play {0}\",\n",
            "(\"NO\", 3),",
        ] {
            assert!(rust.contains(part), "{part} in {rust}");
        }
        assert!(!rust.contains("fn early_word") && !rust.contains("fn code_"), "{rust}");
    }
}
