//! Evidence on disk: `evidence/KIND-CULPRIT-SUBJECT.json`, each once, a bounded number of each kind and culprit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_chain::exhibit::{Exhibit, Kind};
use assay_protocol::B256;
use assay_protocol::params::Params;

use super::Finding;
use super::finder::waited_until;
use crate::chain_feed::REORG_BLOCKS;

/// Files of one kind: who can make evidence against itself for nothing fills its own kind's room.
const OF_KIND: usize = 512;
/// Files of one kind and culprit: after a few there is no stake left that more could cut.
const OF_CULPRIT: usize = 16;
/// Bytes of one file; the largest honest ones are lists of a hundred assignments.
const MAX_BYTES: usize = 256 << 10;

/// The folder, and what is in it.
#[derive(Debug)]
pub(super) struct Locker {
    folder: PathBuf,
    params: Params,
    /// Names without their ending, with the last block in which they are accepted.
    names: BTreeMap<String, Option<u64>>,
    /// What the disk had no room for, with its name.
    unwritten: BTreeMap<String, Vec<u8>>,
}

/// The last block in which a finding is of use; `None` where that is not known.
fn until(exhibit: &Exhibit, params: &Params) -> Option<u64> {
    match exhibit {
        // A claim says what is to be settled once its case is executed, whenever that is.
        Exhibit::ClaimFinder(claim) => Some(waited_until(&claim.assignment, params)),
        Exhibit::SettleFinder(assignment) => Some(waited_until(assignment, params)),
        other => other.accepted_until(params),
    }
}

/// What a file says, which was written by [`Locker::put`].
fn finding(path: &Path) -> Option<Finding> {
    let exhibit = read(path).ok()?;
    let name = path.file_stem()?.to_str()?;
    let (rest, subject) = name.rsplit_once('-')?;
    let (_, culprit) = rest.rsplit_once('-')?;
    let mut begin = [0; 4];
    hex::decode_to_slice(subject, &mut begin).ok()?;
    let mut subject = B256::ZERO;
    subject.0[..4].copy_from_slice(&begin);
    Some(Finding {
        exhibit,
        culprit: culprit.parse().ok()?,
        subject,
    })
}

/// The end of a file's name, which says what it is about.
pub(super) fn short(subject: B256) -> String {
    hex::encode(&subject[..4])
}

impl Locker {
    /// The locker of a node whose folder this is, with what is in it.
    pub fn open(node: &Path, params: &Params) -> (Self, Vec<Finding>) {
        let folder = node.join("evidence");
        let files = std::fs::read_dir(&folder).into_iter().flatten();
        let found = files.filter_map(|file| finding(&file.ok()?.path()));
        let mut found: Vec<Finding> = found.collect();
        found.sort_by_key(Finding::name);
        let named = |finding: &Finding| (finding.name(), until(&finding.exhibit, params));
        let locker = Self {
            names: found.iter().map(named).collect(),
            folder,
            params: params.clone(),
            unwritten: BTreeMap::new(),
        };
        (locker, found)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Writes a finding down, at once or, where the disk does not take it, with a later [`Self::write_again`]; gives its
    /// file, or `None` where it is there already or too much is.
    pub fn put(&mut self, finding: &Finding) -> Option<PathBuf> {
        let name = finding.name();
        if self.names.contains_key(&name) {
            return None;
        }
        let room = |prefix: String, most| {
            let begins = self.names.range(prefix.clone()..);
            let of = begins.take_while(|(name, _)| name.starts_with(&prefix));
            of.count() < most
        };
        let kind = finding.exhibit.kind();
        // Claims are this node's own.
        let of_culprit = match kind {
            Kind::ClaimFinder | Kind::SettleFinder => OF_KIND,
            _ => OF_CULPRIT,
        };
        if !room(format!("{kind}-0x"), OF_KIND)
            || !room(format!("{kind}-{:#x}-", finding.culprit), of_culprit)
        {
            return None;
        }
        let mut json = serde_json::to_vec_pretty(&finding.exhibit).ok()?;
        json.push(b'\n');
        if json.len() > MAX_BYTES {
            return None;
        }
        let until = until(&finding.exhibit, &self.params);
        self.names.insert(name.clone(), until);
        let path = self.path(&name);
        if let Err(e) = self.write(&name, &json) {
            tracing::error!("evidence {name} is forgotten if this node ends: {e}");
            self.unwritten.insert(name, json);
        }
        Some(path)
    }

    /// What was found of a kind about a subject, whoever it costs, with its file; another one's name may end alike.
    pub fn about(&self, kind: Kind, subject: B256) -> Vec<(Finding, PathBuf)> {
        let (begin, end) = (format!("{kind}-0x"), short(subject));
        let names = self.names.range(begin.clone()..);
        let names = names.take_while(|(name, _)| name.starts_with(&begin));
        let paths = names
            .filter(|(name, _)| name.ends_with(&end))
            .map(|(name, _)| self.path(name));
        paths
            .filter_map(|path| Some((finding(&path)?, path)))
            .collect()
    }

    fn write(&self, name: &str, json: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        crate::whole::write(&self.path(name), json)
    }

    /// Tries once more to write what the disk had no room for.
    pub fn write_again(&mut self) {
        let mut unwritten = std::mem::take(&mut self.unwritten);
        unwritten.retain(|name, json| self.write(name, json).is_err());
        self.unwritten = unwritten;
    }

    /// Removes what is not accepted any more, also if the last blocks should become others.
    pub fn clear(&mut self, block: u64) -> std::io::Result<()> {
        let over = |until: &Option<u64>| {
            until.is_some_and(|until| until.saturating_add(REORG_BLOCKS) < block)
        };
        let old: Vec<String> = self
            .names
            .iter()
            .filter(|(_, until)| over(until))
            .map(|(name, _)| name.clone())
            .collect();
        self.remove(old)
    }

    /// Removes these.
    pub fn remove(&mut self, names: Vec<String>) -> std::io::Result<()> {
        for name in names {
            self.unwritten.remove(&name);
            match std::fs::remove_file(self.path(&name)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => drop(self.names.remove(&name)),
            }
        }
        Ok(())
    }
}

/// Why a file is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceFileError {
    /// It cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its name says no kind.
    #[error(
        "{path}: the name of a file of evidence begins with its kind, such as equivocation-…; assay court KIND {path} takes any name", path = path.display()
    )]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// Its content is another one.
    #[error("{path} is no evidence of the kind {kind}: {source}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// By its name.
        kind: Kind,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Reads a file of a node's folders `evidence` and `proofs`: its kind is in its name, that of a proof in its folder's.
///
/// # Errors
/// [`EvidenceFileError`]
pub fn read(path: &Path) -> Result<Exhibit, EvidenceFileError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let named = stem.and_then(|stem| {
        let mut kinds = Kind::ALL.iter();
        // A kind may begin like another one: what follows tells them apart.
        let of = |kind: &&Kind| {
            let rest = stem.strip_prefix(kind.name());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("-0x"))
        };
        kinds.find(of).copied()
    });
    let of_folder = || {
        let folder = path.parent()?.file_name()?;
        (folder == "proofs").then_some(Kind::Prove)
    };
    let kind = named.or_else(of_folder);
    let kind = kind.ok_or_else(|| EvidenceFileError::Kind { path: path.into() })?;
    let json = std::fs::read(path).map_err(|source| EvidenceFileError::Io {
        path: path.into(),
        source,
    })?;
    Exhibit::read(kind, &json).map_err(|source| EvidenceFileError::Content {
        path: path.into(),
        kind,
        source,
    })
}

/// A file, and what is in it.
pub type Listed = (PathBuf, Result<Exhibit, EvidenceFileError>);

/// The evidence in a node's folder, by name; what is none is left out, with the reason.
///
/// # Errors
/// When a folder is there and cannot be read.
pub fn list(node: &Path) -> Result<Vec<Listed>, EvidenceFileError> {
    let mut found = Vec::new();
    for folder in ["evidence", "proofs"] {
        let folder = node.join(folder);
        let files = match std::fs::read_dir(&folder) {
            Ok(files) => files,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => {
                return Err(EvidenceFileError::Io {
                    path: folder,
                    source,
                });
            }
        };
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let json = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
        let mut paths: Vec<_> = paths.filter(json).collect();
        paths.sort();
        found.extend(paths.into_iter().map(|path| {
            let exhibit = read(&path);
            (path, exhibit)
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use assay_chain::challenge::EarlyTicket;
    use assay_protocol::Address;
    use assay_protocol::bls::BlsSignature;

    use super::*;

    fn finding(culprit: u8, epoch: u64) -> Finding {
        let verifier = Address::with_last_byte(culprit);
        Finding {
            exhibit: Exhibit::ShowEarlyTicket(Box::new(EarlyTicket {
                verifier,
                epoch,
                ticket: BlsSignature::from_bytes([7; 48]),
            })),
            culprit: verifier,
            subject: B256::from(assay_protocol::U256::from(epoch) << 224),
        }
    }

    #[test]
    fn each_is_written_once_read_again_and_removed_when_it_is_void() {
        let node = tempfile::tempdir().unwrap();
        let params = Params::testnet();
        let (mut locker, found) = Locker::open(node.path(), &params);
        assert_eq!(found, []);
        let path = locker.put(&finding(1, 4)).unwrap();
        assert_eq!(read(&path).unwrap(), finding(1, 4).exhibit);
        assert_eq!(locker.put(&finding(1, 4)), None);
        let (mut locker, found) = Locker::open(node.path(), &params);
        assert_eq!(locker.put(&finding(1, 4)), None, "after a restart");
        let [again] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(again.name(), finding(1, 4).name());
        assert_eq!(again.exhibit, finding(1, 4).exhibit);
        assert_eq!(list(node.path()).unwrap().len(), 1);
        let last = params.epoch_end(4) - 1;
        locker.clear(last + REORG_BLOCKS).unwrap();
        assert_eq!(locker.names.len(), 1);
        locker.clear(last + REORG_BLOCKS + 1).unwrap();
        assert!(locker.names.is_empty() && list(node.path()).unwrap().is_empty());
    }

    #[test]
    fn what_the_disk_does_not_take_is_known_and_written_later() {
        let node = tempfile::tempdir().unwrap();
        let (mut locker, _) = Locker::open(node.path(), &Params::testnet());
        // A file where the folder belongs stands for a full disk.
        let folder = node.path().join("evidence");
        std::fs::write(&folder, b"").unwrap();
        let path = locker.put(&finding(1, 4)).unwrap();
        assert_eq!(locker.put(&finding(1, 4)), None, "told once");
        locker.write_again();
        assert!(!path.exists());
        std::fs::remove_file(&folder).unwrap();
        locker.write_again();
        assert_eq!(read(&path).unwrap(), finding(1, 4).exhibit);
        assert!(locker.unwritten.is_empty());
    }

    #[test]
    fn one_culprit_fills_its_own_room_only() {
        let node = tempfile::tempdir().unwrap();
        let (mut locker, _) = Locker::open(node.path(), &Params::testnet());
        for epoch in 0..100 {
            locker.put(&finding(1, epoch));
        }
        assert_eq!(locker.names.len(), OF_CULPRIT);
        assert!(locker.put(&finding(2, 1)).is_some());
    }

    #[test]
    fn claims_are_this_nodes_own_and_have_all_the_room_of_their_kind() {
        let node = tempfile::tempdir().unwrap();
        let (mut locker, _) = Locker::open(node.path(), &Params::testnet());
        for claim in 0..=OF_CULPRIT as u64 {
            let finding = Finding {
                exhibit: Exhibit::SettleFinder(Box::default()),
                ..finding(1, claim)
            };
            assert!(locker.put(&finding).is_some(), "{claim}");
        }
    }

    #[test]
    fn a_file_that_says_no_kind_or_another_is_named() {
        let node = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = node.path().join(name);
            std::fs::write(&path, b"{}").unwrap();
            read(&path)
        };
        assert!(matches!(
            file("trip-by-chance.json"),
            Err(EvidenceFileError::Kind { .. })
        ));
        let named = file("trip-by-divergence-0x00-11.json");
        assert!(
            matches!(named, Err(EvidenceFileError::Content { kind, .. }) if kind == Kind::TripByDivergence)
        );
    }
}
