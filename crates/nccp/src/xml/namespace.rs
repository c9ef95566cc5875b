//! Which namespace a prefix stands for (Namespaces in XML 1.0, sections 2.2, 3 and 6).

use super::tag::QName;
use crate::Error;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations that hold at one point of a document.
#[derive(Debug, Default)]
pub(super) struct Scope {
    declarations: Vec<Declaration>,
}

#[derive(Debug)]
struct Declaration {
    /// How many elements are open, the declaring one included.
    depth: usize,
    /// Empty for the default namespace.
    prefix: String,
    /// Empty for none.
    namespace: String,
}

impl Scope {
    /// The declaration holds until the element that is the `depth`th open one ends.
    pub(super) fn declare(&mut self, depth: usize, prefix: &str, namespace: &str) -> Result<(), Error> {
        let reserved = match prefix {
            "xml" => namespace != XML,
            "xmlns" => true,
            _ => namespace == XML || namespace == XMLNS || (namespace.is_empty() && !prefix.is_empty()),
        };
        if reserved {
            return Err(Error::Malformed("bad namespace declaration"));
        }
        let (prefix, namespace) = (prefix.to_owned(), namespace.to_owned());
        self.declarations.push(Declaration { depth, prefix, namespace });
        Ok(())
    }

    /// The `depth`th open element ends, and what it declared with it.
    pub(super) fn close(&mut self, depth: usize) {
        while self.declarations.last().is_some_and(|last| last.depth >= depth) {
            self.declarations.pop();
        }
    }

    /// The namespace of an element; empty for none.
    pub(super) fn of_element(&self, name: QName<'_>) -> Result<&str, Error> {
        let declared = self.declarations.iter().rev().find(|declaration| declaration.prefix == name.prefix);
        match (declared, name.prefix) {
            // No element is in the namespace of declarations.
            (_, "xmlns") => None,
            (Some(declaration), _) => Some(declaration.namespace.as_str()),
            (None, "") => Some(""),
            (None, "xml") => Some(XML),
            (None, _) => None,
        }
        .ok_or(Error::Malformed("undeclared prefix"))
    }

    /// The namespace of an attribute; empty for none, which is that of every name without a prefix.
    pub(super) fn of_attribute(&self, name: QName<'_>) -> Result<&str, Error> {
        match name.prefix {
            "" => Ok(""),
            "xmlns" => Ok(XMLNS),
            _ => self.of_element(name),
        }
    }
}
