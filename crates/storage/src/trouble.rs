use std::fmt;

/// What is the matter with a store, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answers, or the connection breaks.
    Unreachable,
    /// It is there and says nothing for too long.
    Silent,
    /// It refuses these credentials, or these credentials this.
    Refused,
    /// There are no credentials.
    NoCredentials,
    /// There is no such bucket.
    NoBucket,
    /// The bucket is in another region, or asked for by the wrong name.
    Elsewhere,
    /// Its clock and ours differ.
    Clock,
    /// It fails, with this status.
    Failing(u16),
    /// Something else.
    Other,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str(
                "the store cannot be reached; check that it runs, and storage.endpoint and the network",
            ),
            Self::Silent => f.write_str(
                "the store does not answer in time; check that it runs and is not overloaded, and the network",
            ),
            Self::Refused => f.write_str(
                "the store refuses it (403); check the credentials, and that they may read, write, list and \
                 delete in the bucket",
            ),
            Self::NoCredentials => f.write_str(
                "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file by \
                 storage.credentials",
            ),
            Self::NoBucket => {
                f.write_str("there is no such bucket; make it, or correct the name in storage.url")
            }
            Self::Elsewhere => f.write_str(
                "the bucket is not there; check storage.region and storage.endpoint, and set \
                 storage.path_style where the store wants the bucket in the path",
            ),
            Self::Clock => f.write_str("the clocks of store and machine differ; set them by a time server"),
            Self::Failing(status) => {
                write!(f, "the store fails ({status}), tried again and again; try later, or ask who runs it")
            }
            Self::Other => f.write_str("the store did not do it"),
        }
    }
}
