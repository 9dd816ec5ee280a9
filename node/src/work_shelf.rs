//! Lists of rounds on disk, because who certifies a list and who claims by it may lie a restart apart.
//!
//! Which list the chain takes is not known when it is proposed, and a leader may propose many. So each round has its own
//! room, each leader a part of it, and what most weight has voted for stays longest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_protocol::wire::{decode, encode};
use assay_protocol::work::WorkList;
use assay_protocol::{Address, B256, U256};

/// Lists of one leader and round: both of one turn, and as many of a later one.
const LEADER_LISTS: usize = 4;
/// Lists of one round; it is certified after a turn or two, of two lists each.
const ROUND_LISTS: usize = 32;
/// Rounds; claims are due for eight on mainnet.
const ROUNDS: usize = 32;

/// The list of a round with this root in a node's folder, where it is there and whole.
pub fn find(node: &Path, round: u64, root: B256) -> Option<WorkList> {
    WorkShelf::open(node).get(round, root)
}

/// Reads a list's file.
pub(crate) fn read(file: &Path) -> Option<WorkList> {
    decode(&std::fs::read(file).ok()?).ok()
}

/// A list on disk.
#[derive(Debug)]
struct Kept {
    root: B256,
    /// Who proposed it, where that is known: a restart forgets it.
    leader: Option<Address>,
    /// Weight of those who voted for it.
    votes: BTreeMap<Address, U256>,
    /// Whether the chain has taken it.
    certified: bool,
}

impl Kept {
    /// What is worth less makes room first; of equal ones the oldest.
    fn worth(&self) -> (bool, U256) {
        let weight = self.votes.values().fold(U256::ZERO, |sum, w| sum + w);
        (self.certified, weight)
    }
}

/// Lists by round and root.
#[derive(Debug)]
pub(crate) struct WorkShelf {
    folder: PathBuf,
    /// By round, the oldest first.
    rounds: BTreeMap<u64, Vec<Kept>>,
}

impl WorkShelf {
    /// The shelf of a node whose folder this is, with what is on it.
    pub(crate) fn open(node: &Path) -> Self {
        let folder = node.join("work");
        let mut rounds: BTreeMap<u64, Vec<Kept>> = BTreeMap::new();
        let files = std::fs::read_dir(&folder).into_iter().flatten();
        let mut names: Vec<_> = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        for name in names {
            let place = name.strip_suffix(".list").and_then(|n| n.split_once('-'));
            let Some((Ok(round), Ok(root))) = place.map(|(r, x)| (r.parse(), x.parse())) else {
                continue;
            };
            rounds.entry(round).or_default().push(Kept {
                root,
                leader: None,
                votes: BTreeMap::new(),
                certified: false,
            });
        }
        Self { folder, rounds }
    }

    fn path(&self, round: u64, root: B256) -> PathBuf {
        self.folder.join(format!("{round:08}-{root:x}.list"))
    }

    /// Writes a leader's list down; what is worth least makes room.
    pub(crate) fn put(
        &mut self,
        list: &WorkList,
        root: B256,
        leader: Address,
    ) -> std::io::Result<()> {
        let round = list.round;
        let kept = self.rounds.entry(round).or_default();
        if kept.iter().any(|kept| kept.root == root) {
            return Ok(());
        }
        let of_leader = |kept: &Kept| kept.leader == Some(leader);
        if kept.iter().filter(|kept| of_leader(kept)).count() >= LEADER_LISTS {
            self.evict(round, of_leader)?;
        } else if kept.len() >= ROUND_LISTS {
            self.evict(round, |_| true)?;
        }
        std::fs::create_dir_all(&self.folder)?;
        let bytes = encode(list).unwrap_or_default();
        crate::whole::write(&self.path(round, root), &bytes)?;
        self.rounds.entry(round).or_default().push(Kept {
            root,
            leader: Some(leader),
            votes: BTreeMap::new(),
            certified: false,
        });
        while self.rounds.len() > ROUNDS {
            if let Some((round, lists)) = self.rounds.pop_first() {
                for kept in lists {
                    std::fs::remove_file(self.path(round, kept.root))?;
                }
            }
        }
        Ok(())
    }

    /// Removes that one of a round's lists which is worth least of those that may go.
    fn evict(&mut self, round: u64, may_go: impl Fn(&Kept) -> bool) -> std::io::Result<()> {
        let lists = self.rounds.entry(round).or_default();
        let found = lists.iter().enumerate().filter(|(_, kept)| may_go(kept));
        let least = found.min_by_key(|(_, kept)| kept.worth()).map(|(at, _)| at);
        let Some(root) = least.map(|at| lists.remove(at).root) else {
            return Ok(());
        };
        std::fs::remove_file(self.path(round, root))
    }

    /// Somebody has voted for a list.
    pub(crate) fn voted(&mut self, round: u64, root: B256, verifier: Address, weight: U256) {
        let lists = self.rounds.get_mut(&round).into_iter().flatten();
        for kept in lists.filter(|kept| kept.root == root) {
            kept.votes.insert(verifier, weight);
        }
    }

    /// The chain has taken a list.
    pub(crate) fn certified(&mut self, round: u64, root: B256) {
        for kept in self.rounds.get_mut(&round).into_iter().flatten() {
            kept.certified = kept.root == root;
        }
    }

    /// The file of a list, where it is here.
    pub(crate) fn file(&self, round: u64, root: B256) -> Option<PathBuf> {
        let kept = self.rounds.get(&round)?;
        kept.iter().find(|kept| kept.root == root)?;
        Some(self.path(round, root))
    }

    /// A list, where it is here and whole.
    pub(crate) fn get(&self, round: u64, root: B256) -> Option<WorkList> {
        read(&self.file(round, root)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::work::WorkClaim;

    fn list(round: u64) -> WorkList {
        WorkList {
            round,
            claims: vec![WorkClaim::default()],
            total_pixels: 7,
        }
    }

    fn root(i: u64) -> B256 {
        B256::from(U256::from(i))
    }

    fn who(i: u64) -> Address {
        Address::from_word(root(i))
    }

    #[test]
    fn a_list_is_read_as_it_was_written_and_a_torn_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = WorkShelf::open(folder.path());
        assert_eq!(shelf.get(3, root(1)), None);
        shelf.put(&list(3), root(1), who(1)).unwrap();
        shelf.put(&list(3), root(1), who(2)).unwrap();
        assert_eq!(shelf.get(3, root(1)), Some(list(3)));
        let shelf = WorkShelf::open(folder.path());
        assert_eq!(shelf.get(3, root(1)), Some(list(3)), "after a restart");
        std::fs::write(shelf.path(3, root(1)), b"torn").unwrap();
        assert_eq!(shelf.get(3, root(1)), None);
    }

    #[test]
    fn one_leaders_lists_displace_each_other_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = WorkShelf::open(folder.path());
        shelf.put(&list(3), root(1), who(1)).unwrap();
        shelf.put(&list(4), root(2), who(1)).unwrap();
        for junk in 100..700 {
            shelf.put(&list(4), root(junk), who(2)).unwrap();
        }
        assert!(shelf.get(3, root(1)).is_some() && shelf.get(4, root(2)).is_some());
        let files = std::fs::read_dir(folder.path().join("work")).unwrap();
        assert_eq!(files.count(), 2 + LEADER_LISTS);
    }

    #[test]
    fn many_leaders_do_not_displace_what_has_votes_or_is_certified() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = WorkShelf::open(folder.path());
        shelf.put(&list(4), root(1), who(1)).unwrap();
        shelf.put(&list(4), root(2), who(2)).unwrap();
        shelf.voted(4, root(1), who(9), U256::from(5));
        shelf.certified(4, root(2));
        for junk in 100..300 {
            shelf.put(&list(4), root(junk), who(junk)).unwrap();
            shelf.voted(4, root(junk), who(junk), U256::from(4));
        }
        assert!(shelf.get(4, root(1)).is_some() && shelf.get(4, root(2)).is_some());
        assert!(shelf.get(4, root(100)).is_none() && shelf.get(4, root(299)).is_some());
        let files = std::fs::read_dir(folder.path().join("work")).unwrap();
        assert_eq!(files.count(), ROUND_LISTS);
    }

    #[test]
    fn old_rounds_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = WorkShelf::open(folder.path());
        for round in 0..=ROUNDS as u64 {
            shelf.put(&list(round), root(round), who(1)).unwrap();
        }
        assert!(shelf.get(0, root(0)).is_none() && shelf.get(1, root(1)).is_some());
    }
}
