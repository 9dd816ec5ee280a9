//! A map with a bound: whoever fills it loses its own oldest entries first, and nobody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

#[derive(Debug)]
struct Entry<O, V> {
    owner: O,
    until: u64,
    weight: usize,
    value: V,
}

/// What one owner has.
#[derive(Debug)]
struct Share<K> {
    weight: usize,
    /// Keys by the block until which they are of use.
    ages: BTreeSet<(u64, K)>,
}

/// Values by key, each with an owner, a weight, and the last block in which it is of use.
#[derive(Debug)]
pub(super) struct Shelf<O, K, V> {
    most: usize,
    weight: usize,
    entries: BTreeMap<K, Entry<O, V>>,
    shares: BTreeMap<O, Share<K>>,
}

impl<O: Ord + Copy, K: Ord + Copy, V> Shelf<O, K, V> {
    /// One that holds at most this weight.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            weight: 0,
            entries: BTreeMap::new(),
            shares: BTreeMap::new(),
        }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    pub fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (&K, &V)> {
        self.entries
            .range(keys)
            .map(|(key, entry)| (key, &entry.value))
    }

    /// Takes a value unless there is one under its key: what was said first stays.
    pub fn put(&mut self, owner: O, key: K, until: u64, weight: usize, value: V) {
        if self.entries.contains_key(&key) || weight > self.most {
            return;
        }
        let entry = Entry {
            owner,
            until,
            weight,
            value,
        };
        self.entries.insert(key, entry);
        self.weight += weight;
        let share = self.shares.entry(owner).or_insert(Share {
            weight: 0,
            ages: BTreeSet::new(),
        });
        share.weight += weight;
        share.ages.insert((until, key));
        while self.weight > self.most {
            let heaviest = self.shares.values().max_by_key(|share| share.weight);
            let oldest = heaviest.and_then(|share| share.ages.first().copied());
            match oldest {
                Some((_, key)) => self.remove(&key),
                None => return,
            }
        }
    }

    fn remove(&mut self, key: &K) {
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        self.weight -= entry.weight;
        if let Some(share) = self.shares.get_mut(&entry.owner) {
            share.weight -= entry.weight;
            share.ages.remove(&(entry.until, *key));
            if share.ages.is_empty() {
                self.shares.remove(&entry.owner);
            }
        }
    }

    /// Forgets what was of use until before this block.
    pub fn forget(&mut self, block: u64) {
        let old = |share: &Share<K>| -> Vec<K> {
            let ages = share.ages.iter();
            let old = ages.take_while(|(until, _)| *until < block);
            old.map(|(_, key)| *key).collect()
        };
        let over: Vec<K> = self.shares.values().flat_map(old).collect();
        for key in over {
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fills_it_displaces_only_itself() {
        let mut shelf = Shelf::new(10);
        for key in 0..3u32 {
            shelf.put('a', key, 50 + u64::from(key), 1, ());
        }
        for key in 100..1_000u32 {
            shelf.put('b', key, u64::from(key), 2, ());
        }
        assert!((0..3).all(|key| shelf.get(&key).is_some()));
        assert_eq!(shelf.entries.len(), 6, "three of one, three of the other");
        assert!(shelf.get(&999).is_some() && shelf.get(&100).is_none());
        shelf.put('c', 5, 1, 11, ());
        assert!(shelf.get(&5).is_none(), "more than everything");
    }

    #[test]
    fn what_is_of_no_use_is_forgotten_and_the_first_word_stays() {
        let mut shelf = Shelf::new(10);
        shelf.put('a', 1, 5, 1, "first");
        shelf.put('b', 1, 9, 1, "second");
        assert_eq!(shelf.get(&1), Some(&"first"));
        shelf.put('a', 2, 6, 9, "other");
        shelf.forget(6);
        assert_eq!(shelf.range(0..=9).count(), 1);
        shelf.forget(7);
        assert!(shelf.weight == 0 && shelf.shares.is_empty());
    }
}
