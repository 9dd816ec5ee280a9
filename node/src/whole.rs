//! Files that are there whole or not at all, whenever the process is killed.

use std::io;
use std::path::Path;

/// Writes a file in the place of what is there. After a power failure it may be the old one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, path)
}
