//! Which other catalogs are asked.

use engine_catalog::Catalog;

use crate::cli::failure::Failure;
use crate::cli::pull::Source;

/// What stands for the file `peers` where a source can be named.
pub(super) const FILE: &str = "peers";

/// Another catalog.
pub(super) struct Peer {
    /// As somebody named it.
    pub(super) name: String,
    pub(super) source: Source,
}

/// Returns the peers of these names.
pub(super) fn named(names: &[String]) -> Result<Vec<Peer>, Failure> {
    let peer = |name: &String| {
        let source = Source::parse(name)?;
        let name = name.clone();
        Ok(Peer { name, source })
    };
    names.iter().map(peer).collect()
}

/// Returns the peers that the catalog knows.
pub(super) fn of_catalog(catalog: &Catalog) -> Result<Vec<Peer>, Failure> {
    let file = catalog.root().join(FILE);
    let peers = named(&catalog.peers()?).map_err(|failure| match failure {
        Failure::Usage(message) => Failure::Unusable(format!("{}: {message}", file.display())),
        failure => failure,
    });
    let mut peers = peers?;
    for peer in &mut peers {
        // It means the same wherever the program is started.
        if let Source::Here(path) = &mut peer.source {
            *path = catalog.root().join(&*path);
        }
    }
    Ok(peers)
}
