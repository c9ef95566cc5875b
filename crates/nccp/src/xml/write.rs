//! The writer: one prefix, no optional spelling.

use super::{Element, NAMESPACE, is_all, is_xml_char};

impl Element {
    /// Writes the element with prefix `nccp`, not declaring the namespace.
    pub fn write_fragment(&self, out: &mut String) {
        self.write(out, false);
    }

    /// Writes a document: the element with the namespace declared.
    pub fn write_document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, true);
        out
    }

    fn write(&self, out: &mut String, declare: bool) {
        out.push_str("<nccp:");
        out.push_str(&self.name);
        if declare {
            out.push_str(" xmlns:nccp=\"");
            out.push_str(NAMESPACE);
            out.push('"');
        }
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape_into(value, out);
            out.push('"');
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        escape_into(&self.text, out);
        for child in &self.children {
            child.write(out, false);
        }
        out.push_str("</nccp:");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// Appends `text`, escaped for character data and double-quoted attributes alike. What XML cannot hold is
/// dropped.
pub fn escape_into(text: &str, out: &mut String) {
    // Most of what is long is base64.
    if is_all(text, |octet| matches!(octet, b' '..=b'~') && !matches!(octet, b'<' | b'>' | b'&' | b'"')) {
        out.push_str(text);
        return;
    }
    for c in text.chars().filter(|&c| is_xml_char(c)) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole texts and single characters are escaped alike.
    #[test]
    fn escaped_at_once_or_one_by_one() {
        let escaped = |text: &str| {
            let mut out = String::new();
            escape_into(text, &mut out);
            out
        };
        assert_eq!(escaped("a<b>&\"'\u{0}\u{FFFE}\t"), "a&lt;b&gt;&amp;&quot;'&#9;");
        for c in '\u{0}'..='\u{FFFF}' {
            assert_eq!(escaped(&format!("é{c}")), format!("é{}", escaped(&c.to_string())), "{c:?}");
        }
    }
}
