//! Names of what stands beside a key file: its password, and the journal of its transactions.

use std::path::{Path, PathBuf};

/// The file with this ending beside a key file: `NAME.ENDING` beside `NAME.json`, `FILE.ENDING` beside any other, because
/// the names that geth gives have a dot in the time of day. Earlier versions cut those at that dot: where there is only a
/// file of that name, a journal perhaps with transactions under way, it is this one.
pub fn beside(key_file: &Path, ending: &str) -> PathBuf {
    let cut = key_file.with_extension(ending);
    if key_file.extension().is_some_and(|e| e == "json") {
        return cut;
    }
    let mut whole = key_file.as_os_str().to_owned();
    whole.push(".");
    whole.push(ending);
    let whole = PathBuf::from(whole);
    match !whole.exists() && cut.exists() {
        true => cut,
        false => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_key_file_has_its_whole_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(beside(&at("owner.json"), "password"), at("owner.password"));
        assert_eq!(beside(&at("owner"), "password"), at("owner.password"));
        // Two keys of one second.
        let first = "UTC--2026-01-01T00-15-14.469436742Z--7099";
        let second = "UTC--2026-01-01T00-15-14.570001234Z--3c44";
        let whole = |name: &str| at(&format!("{name}.1-ab.transactions"));
        for name in [first, second] {
            assert_eq!(beside(&at(name), "1-ab.transactions"), whole(name));
        }
        // An earlier version's is gone on with, unless there is a present one.
        let old = at("UTC--2026-01-01T00-15-14.1-ab.transactions");
        std::fs::write(&old, "").unwrap();
        std::fs::write(whole(second), "").unwrap();
        assert_eq!(beside(&at(first), "1-ab.transactions"), old);
        assert_eq!(beside(&at(second), "1-ab.transactions"), whole(second));
        // Another chain's is another file.
        let other = format!("{first}.2-cd.transactions");
        assert_eq!(beside(&at(first), "2-cd.transactions"), at(&other));
    }
}
