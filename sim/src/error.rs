//! The one error of this crate.

use std::fmt;
use std::path::PathBuf;

/// Why a simulator didn't start, or can't do what its program asks of it. Mistakes of clients are answered over HTTP.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    PortInUse(u16),
    Listen(u16, std::io::Error),
    ScaleTooLarge(u64),
    NoSamples(PathBuf),
    BadSample(PathBuf, String),
    BadDocument(PathBuf, String),
    UnknownRelease(String),
    UnknownRole(String),
    BadFaults(PathBuf, String),
    BadSwitch(String),
    Refused(String),
}

impl Error {
    /// Whether another program listens on the port.
    #[must_use]
    pub const fn is_port_in_use(&self) -> bool {
        matches!(self.0, Kind::PortInUse(_))
    }
}

/// Why a file can't be read, and what to do.
pub(crate) fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file, name one that is there".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "it may not be read, change its permissions or name another one".to_owned()
        }
        _ => error.to_string(),
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::PortInUse(port) => {
                write!(
                    f,
                    "port {port} of 127.0.0.1 is in use by another program: choose another one, or 0 for a free one"
                )
            }
            Kind::Listen(port, _) => {
                write!(f, "can't listen on port {port} of 127.0.0.1: choose another one, or 0 for a free one")
            }
            Kind::ScaleTooLarge(scale) => {
                write!(f, "a scale of {scale} time entries is too large: choose at most {}", crate::LARGEST_SCALE)
            }
            Kind::NoSamples(folder) => {
                write!(
                    f,
                    "there is no samples folder {}: name a folder with files like TimeEntry.json",
                    folder.display()
                )
            }
            Kind::BadDocument(file, reason) => {
                write!(f, "the interface document {} can't be read: {reason}", file.display())
            }
            Kind::UnknownRelease(release) => {
                write!(
                    f,
                    "there is no interface document of release {release}: choose {}, or name a file",
                    crate::document::releases().collect::<Vec<_>>().join(" or ")
                )
            }
            Kind::UnknownRole(role) => {
                write!(
                    f,
                    "there is no role {role}: choose full, mine, without:<path>=<id>, no-info, no-members or no-<module>"
                )
            }
            Kind::BadSwitch(reason) | Kind::Refused(reason) => f.write_str(reason),
            Kind::BadFaults(file, reason) => {
                write!(f, "the fault script {} can't be used: {reason}", file.display())
            }
            Kind::BadSample(file, reason) => write!(f, "the sample file {} can't be served: {reason}", file.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Listen(_, source) => Some(source),
            _ => None,
        }
    }
}
