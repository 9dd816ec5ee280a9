//! How room is divided among those who want more of it than there is.

/// The most that each may have, so that all together have no more than `most`: whoever wants less leaves the rest to others.
pub fn level(mut sizes: Vec<u64>, most: u64) -> u64 {
    sizes.sort_unstable();
    let (mut left, mut count) = (most, sizes.len() as u64);
    for size in sizes {
        if size > left / count {
            return left / count;
        }
        (left, count) = (left - size, count - 1);
    }
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn the_level_is_what_all_can_have() {
        assert_eq!(level(vec![5, 100, 100], 65), 30);
        assert_eq!(level(vec![5, 10, 50], 65), u64::MAX);
        assert_eq!(level(vec![10, 10], 5), 2);
        assert_eq!(level(vec![], 5), u64::MAX);
    }
}
