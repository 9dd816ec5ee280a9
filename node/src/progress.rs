//! How far a file has been published, so that a node that is started again goes on there and pays for nothing twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Beside the playlists: whoever removes them begins anew.
const FILE: &str = "published.json";

/// How far a file has been published.
pub struct Progress {
    path: PathBuf,
    source: String,
    /// The place in the source of what is offered next, counted in segments over all repetitions.
    next: u64,
    /// Places of segments that are neither shown nor given up, by number.
    open: BTreeMap<u32, u64>,
}

/// What the file says.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// What is published, and in which job.
    source: String,
    /// Segments of it that are done, from its beginning on.
    done: u64,
}

impl Progress {
    /// Reads how far `source` was published into the folder `output`; whatever else was published there before, it is
    /// begun anew.
    pub fn open(output: &Path, source: String) -> Self {
        let path = output.join(FILE);
        let text = std::fs::read(&path).unwrap_or_default();
        let saved = serde_json::from_slice(&text).ok();
        let same = saved.filter(|saved: &Saved| saved.source == source);
        Self {
            next: same.map_or(0, |saved| saved.done),
            open: BTreeMap::new(),
            path,
            source,
        }
    }

    /// Segments that are done, from the source's beginning on.
    pub fn done(&self) -> u64 {
        self.open.values().next().copied().unwrap_or(self.next)
    }

    /// The source's next segment has got a number.
    pub fn begun(&mut self, seq: u32) {
        self.open.insert(seq, self.next);
        self.next += 1;
    }

    /// The source's next segment is one that nobody is asked for.
    pub fn left_out(&mut self) {
        self.next += 1;
    }

    /// A segment is shown, or nobody delivers it.
    ///
    /// # Errors
    /// The disk: a node that is started again would pay for it once more.
    pub fn settled(&mut self, seq: u32) -> std::io::Result<()> {
        self.open.remove(&seq);
        let saved = Saved {
            source: self.source.clone(),
            done: self.done(),
        };
        crate::whole::write(&self.path, &serde_json::to_vec(&saved)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_on_behind_what_is_done_without_a_hole() {
        let folder = tempfile::tempdir().unwrap();
        let open = |source: &str| Progress::open(folder.path(), source.into());
        let mut progress = open("a");
        assert_eq!(progress.done(), 0);
        for seq in 7..11 {
            progress.begun(seq);
        }
        for seq in [7, 9, 10] {
            progress.settled(seq).unwrap();
        }
        // The second of them is not there: it and what comes after it are published again.
        assert_eq!(open("a").done(), 1);
        progress.settled(8).unwrap();
        assert_eq!((open("a").done(), open("b").done()), (4, 0));
        progress.left_out();
        progress.begun(11);
        assert_eq!(progress.done(), 5);
        progress.settled(11).unwrap();
        assert_eq!(open("a").done(), 6);
    }
}
