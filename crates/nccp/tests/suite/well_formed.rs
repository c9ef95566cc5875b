//! Forms that are not well-formed (XML 1.0, fifth edition; Namespaces in XML 1.0, third edition), and some
//! that only look so.

use nccp::xml::{self, Limits};
use nccp::{Error, Request, Response};

/// A request around something; `{}` inside the root's tag and inside its message are free.
fn document(attributes: &str, inner: &str) -> String {
    format!(
        r#"<n:request xmlns:n="urn:matinee:nccp:1" sequence="1" time="1"{attributes}><n:ping>{inner}</n:ping></n:request>"#
    )
}

fn is_taken(document: &str) -> bool {
    let parsed = Request::parse(document.as_bytes());
    if let Err(refused) = parsed {
        assert!(matches!(refused.error, Error::Malformed(_)), "{document}: {:?}", refused.error);
    }
    // Clients read with the same eyes.
    let answer = document
        .replace("n:request", "n:response")
        .replace("<n:ping>", "<n:later>")
        .replace("</n:ping>", "</n:later>");
    assert_eq!(
        Response::parse(answer.as_bytes()).is_ok(),
        Request::parse(document.as_bytes()).is_ok(),
        "{answer}"
    );
    Request::parse(document.as_bytes()).is_ok()
}

/// What stands in an element: (section of XML 1.0 or, with N, of Namespaces; form).
const BAD_CONTENT: &[(&str, &str)] = &[
    ("2.2 Char", "\u{1}"),
    ("2.2 Char", "\u{FFFE}"),
    ("2.3 Name: begins with a digit", "<1a/>"),
    ("2.3 Name: begins with a hyphen", "<-a/>"),
    ("2.3 Name: begins with a full stop", "<.a/>"),
    ("2.3 Name: begins with a combining mark", "<\u{301}a/>"),
    ("2.3 Name: a dollar sign", "<a$/>"),
    ("2.3 Name: a comma", "<a,b/>"),
    ("2.3 Name: a quotation mark", "<a\"b\"/>"),
    ("2.3 Name: a multiplication sign", "<a\u{D7}/>"),
    ("2.3 Name: none", "< a/>"),
    ("2.3 Name: none", "</>"),
    ("2.3 Name: of an attribute", "<a 1b=''/>"),
    ("2.3 Name: of an attribute", "<a b,c=''/>"),
    ("2.4 CharData: ]]>", "]]>"),
    ("2.4 CharData: ]]> elsewhere", "<a>x]]>y</a>"),
    ("2.4 CharData: a bare ampersand", "a & b"),
    ("2.5 Comments: --", "<!-- a -- b -->"),
    ("2.5 Comments: --->", "<!-- a --->"),
    ("2.5 Comments: open", "<!-- a "),
    ("2.7 CDATA: open", "<![CDATA[ a ]]"),
    ("2.7 CDATA: in lower case", "<![cdata[a]]>"),
    ("2.8 XMLDecl: inside", "<?xml version='1.0'?>"),
    ("3 Element Type Match", "<a></b>"),
    ("3 Element Type Match: case", "<a></A>"),
    ("3.1 STag: no = ", "<a b/>"),
    ("3.1 STag: no quotes", "<a b=c/>"),
    ("3.1 STag: quotes that differ", "<a b=\"c'/>"),
    ("3.1 STag: nothing between attributes", "<a b='c'd='e'/>"),
    ("3.1 STag: a slash apart from its bracket", "<a / >"),
    ("3.1 STag: something else", "<a b='c' , d='e'/>"),
    ("3.1 STag: an attribute without a name", "<a ='b'/>"),
    ("3.1 ETag: an attribute", "<a></a b='c'>"),
    ("3.1 ETag: a blank in front", "<a></ a>"),
    ("3.1 ETag: nothing is open", "</n:ping></n:ping><n:ping>"),
    ("3.1 Unique Att Spec", "<a b='' b=''/>"),
    ("3.1 Unique Att Spec: of our element", "<n:a b='' b=''/>"),
    ("3.1 No < in Attribute Values", "<a b='<'/>"),
    ("3.1 No < in Attribute Values: of our element", "<n:a b=\"a < b\"/>"),
    ("4.1 CharRef: not a character", "&#0;"),
    ("4.1 CharRef: not a character", "&#xFFFF;"),
    ("4.1 CharRef: a surrogate", "&#xD800;"),
    ("4.1 CharRef: too large", "&#x110000;"),
    ("4.1 CharRef: too large for 32 bits", "&#99999999999;"),
    ("4.1 CharRef: a sign", "&#+65;"),
    ("4.1 CharRef: a large X", "&#X41;"),
    ("4.1 CharRef: no digits", "&#;"),
    ("4.1 CharRef: no digits", "&#x;"),
    ("4.1 CharRef: hexadecimal digits of a decimal number", "&#4A;"),
    ("4.1 CharRef: in a skipped element's attribute", "<a b='&#0;'/>"),
    ("4.1 EntityRef: undeclared", "&nbsp;"),
    ("4.1 EntityRef: no name", "&;"),
    ("4.1 EntityRef: open", "&amp"),
    ("4.1 EntityRef: undeclared, in a skipped element", "<a>&nbsp;</a>"),
    ("4.1 EntityRef: undeclared, in an attribute", "<a b='&nbsp;'/>"),
    ("4.1 EntityRef: open, in an attribute", "<a b='&amp'/>"),
    ("4.1 EntityRef: a bare ampersand in an attribute", "<a b='c&d'/>"),
    ("N3 xml is bound to its namespace", "<a xmlns:xml='urn:a'/>"),
    ("N3 xml's namespace is bound to nothing else", "<a xmlns:b='http://www.w3.org/XML/1998/namespace'/>"),
    ("N3 xml's namespace is no default", "<a xmlns='http://www.w3.org/XML/1998/namespace'/>"),
    ("N3 xmlns is not declared", "<a xmlns:xmlns='urn:a'/>"),
    ("N3 xmlns is not declared, as itself", "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>"),
    ("N3 xmlns's namespace is bound to nothing", "<a xmlns:b='http://www.w3.org/2000/xmlns/'/>"),
    ("N3 elements have not the prefix xmlns", "<xmlns:a/>"),
    ("N4 QName: two colons", "<n:a:b/>"),
    ("N4 QName: begins with a colon", "<:a/>"),
    ("N4 QName: ends with a colon", "<n:/>"),
    ("N4 QName: the local part begins with a digit", "<n:1/>"),
    ("N4 QName: of an attribute", "<a n:b:c=''/>"),
    ("N4 QName: a declaration of nothing", "<a xmlns:=''/>"),
    ("N5 Prefix Declared: of an element", "<m:a/>"),
    ("N5 Prefix Declared: of an element in a skipped one", "<a><m:b/></a>"),
    ("N5 Prefix Declared: of an attribute", "<n:a m:b=''/>"),
    ("N5 Prefix Declared: of an attribute in a skipped element", "<a m:b=''/>"),
    ("N5 Prefix Declared: its scope is over", "<a xmlns:m='urn:m'/><m:b/>"),
    ("N5 No Prefix Undeclaring", "<a xmlns:n=''/>"),
    ("N6.3 Uniqueness of Attributes", "<a xmlns:b='urn:x' xmlns:c='urn:x' b:d='' c:d=''/>"),
    (
        "N6.3 Uniqueness of Attributes: spelt in two ways",
        "<n:a xmlns:b='urn:x' xmlns:c='urn:&#120;' b:d='' c:d=''/>",
    ),
    ("N6.3 Uniqueness of Attributes: a declaration twice", "<a xmlns:b='urn:x' xmlns:b='urn:y'/>"),
];

/// Whole documents.
const BAD_DOCUMENTS: &[(&str, &str)] = &[
    ("2.1 document: nothing", ""),
    ("2.1 document: blanks", "  \n"),
    ("2.1 document: text", "text"),
    ("2.1 document: text in front", "x{}"),
    ("2.1 document: text behind", "{}x"),
    ("2.1 document: a reference behind", "{}&#32;"),
    ("2.1 document: two roots", "{}{}"),
    ("2.1 document: a second root that is skipped", "{}<a/>"),
    ("2.7 CDATA: outside", "{}<![CDATA[]]>"),
    ("2.8 XMLDecl: a blank in front", " <?xml version='1.0'?>{}"),
    ("2.8 XMLDecl: twice", "<?xml version='1.0'?><?xml version='1.0'?>{}"),
    ("2.8 XMLDecl: behind", "{}<?xml version='1.0'?>"),
    ("2.8 XMLDecl: no version", "<?xml?>{}"),
    ("2.8 XMLDecl: no version", "<?xml encoding='UTF-8'?>{}"),
    ("2.8 XMLDecl: another order", "<?xml encoding='UTF-8' version='1.0'?>{}"),
    ("2.8 XMLDecl: another order", "<?xml version='1.0' standalone='yes' encoding='UTF-8'?>{}"),
    ("2.8 XMLDecl: version 2", "<?xml version='2.0'?>{}"),
    ("2.8 XMLDecl: version 1", "<?xml version='1.'?>{}"),
    ("2.8 XMLDecl: blanks in the version", "<?xml version=' 1.0'?>{}"),
    ("2.8 XMLDecl: something else", "<?xml version='1.0' a='b'?>{}"),
    ("2.8 XMLDecl: twice the same", "<?xml version='1.0' encoding='UTF-8' encoding='UTF-8'?>{}"),
    ("2.9 standalone", "<?xml version='1.0' standalone='maybe'?>{}"),
    ("2.6 PI: none of XML", "<?XML version='1.0'?>{}"),
    ("the protocol: another encoding", "<?xml version='1.0' encoding='ISO-8859-1'?>{}"),
    ("the protocol: a processing instruction", "<?a b?>{}"),
    ("the protocol: DOCTYPE", "<!DOCTYPE a>{}"),
];

const GOOD_CONTENT: &[&str] = &[
    "<!-- <a & ]]> -->",
    "<![CDATA[<a> & ]] >]]>",
    "]] > ]]&gt; ]]<!-- -->>",
    "<a b = 'c'\n\td='&lt;&#60;>'   />",
    "<a></a\n>",
    "<\u{E9}t\u{E9}-1.\u{B7} _='\"'/>",
    "<a xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    "<a xmlns='urn:a'><b xmlns=''/></a>",
    "<a xmlns:b='urn:b' b:c='' c=''/>",
    "<n:a xmlns:b='urn:matinee:nccp:1' b:c='' c=''/>",
    "<a xmlns:n='urn:other'><n:b n:c=''/></a>",
    "&amp;&lt;&gt;&apos;&quot;&#x1F39E;&#9;",
];

#[test]
fn what_is_not_well_formed_is_refused() {
    let mut taken = Vec::new();
    for (form, content) in BAD_CONTENT {
        if is_taken(&document("", content)) {
            taken.push((form, *content));
        }
    }
    for (form, around) in BAD_DOCUMENTS {
        if is_taken(&around.replace("{}", &document("", ""))) {
            taken.push((form, *around));
        }
    }
    assert!(taken.is_empty(), "{} forms were taken: {taken:#?}", taken.len());
}

#[test]
fn what_only_looks_bad_is_taken() {
    for content in GOOD_CONTENT {
        assert!(is_taken(&document("", content)), "{content}");
    }
    for around in [
        "<?xml version='1.0'?>{}",
        "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='no' ?>\n{}\n<!-- -->\n",
        "<?xml version = '1.1'?>{}",
        "\u{FEFF}<?xml version='1.0'?>{}",
        "\n<!-- -->{}",
    ] {
        assert!(is_taken(&around.replace("{}", &document("", ""))), "{around}");
    }
}

/// Namespaces decide what an element is, however their names are spelt.
#[test]
fn a_prefix_is_only_a_prefix() {
    let read = |document: &str| xml::parse(document.as_bytes(), Limits::REQUEST);
    let root =
        read("<a:request xmlns:a='urn:matinee:nccp&#58;1' a:b='1' b='2&#10;3\r\n4'><a:c/><c/></a:request>")
            .unwrap();
    assert_eq!((root.attribute("b"), root.attributes.len()), (Some("2\n3 4"), 1));
    assert_eq!(root.children.len(), 1);
    let root = read(
        "<request xmlns='urn:matinee:nccp:1'><c xmlns='urn:a'/><b:d xmlns:b='urn:matinee:nccp:1'/></request>",
    );
    assert_eq!(root.unwrap().children[0].name, "d");
    assert_eq!(read("<a:request xmlns:a='urn:matinee:nccp:2'/>"), Err(Error::WrongRoot));
}

#[test]
fn attributes_are_counted() {
    let many = |n: usize| (0..n).map(|n| format!(" a{n}='1'")).collect::<String>();
    // Three stand there already.
    assert!(is_taken(&document(&many(61), "")));
    assert!(!is_taken(&document(&many(62), "")));
    let skipped = |n: usize| document("", &format!("<a{}/>", many(n)));
    assert!(is_taken(&skipped(64)));
    assert!(!is_taken(&skipped(65)));
}
