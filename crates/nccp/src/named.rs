/// Declares an enumeration whose values have names: words on the wire, or of what a player keeps.
///
/// It is `Copy`, comparable and shown by its name, and gets `ALL` (the values as they are listed), `as_str`
/// (a value's name) and `named` (the value with a name). Other attributes go through.
///
/// # Examples
///
/// ```
/// nccp::named! {
///     /// What sets letters off from the picture.
///     #[derive(Default)]
///     Edge {
///         /// Nothing.
///         #[default]
///         None = "none",
///         /// A line around each.
///         Outline = "outline",
///     }
/// }
///
/// assert_eq!(Edge::ALL, [Edge::None, Edge::Outline]);
/// assert_eq!(Edge::named("outline"), Some(Edge::Outline));
/// assert_eq!(Edge::default().as_str(), "none");
/// assert_eq!(Edge::named("glow"), None);
/// ```
#[macro_export]
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$of])* $variant),+
        }

        impl $name {
            /// All values, as they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value's name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// The value with this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
