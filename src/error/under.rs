//! Below which directories files of engines are not removed.

/// Why files of engines are not removed below a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnderError {
    /// It is to be the same directory whoever names it.
    #[error("it is not an absolute path")]
    NotAbsolute,
    /// No entry can name a file there.
    #[error("it is not UTF-8, as paths of artifacts are")]
    NotUtf8,
    /// Nothing is there, or something else.
    #[error("there is no such directory")]
    NoDirectory,
    /// Nothing is in it.
    #[error("it is empty: is its file system mounted?")]
    Empty,
    /// It is the catalog, or a directory of it.
    #[error("it lies in the catalog itself")]
    InCatalog,
    /// The catalog is below it.
    #[error("the catalog itself lies in it")]
    AroundCatalog,
}
