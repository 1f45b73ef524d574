//! Names that are near another name.

/// The most names to offer.
const MOST: usize = 3;

/// The known names nearest to `name`, the nearest first: those with few edits, and those that
/// contain it.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> = known
        .filter_map(|known| {
            let other = known.to_lowercase();
            let distance = distance(&lower, &other);
            let contains = lower.len() >= 3 && other.contains(&lower);
            (distance <= allowed || contains).then_some((distance, known))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// The number of characters to insert, delete or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "äb"), 2);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn the_nearest_names_come_first_and_far_names_are_left_out() {
        let known = ["status", "stats", "status_code", "amount"];
        assert_eq!(nearest("statsu", known.into_iter()), ["stats", "status"]);
        assert_eq!(nearest("code", known.into_iter()), ["status_code"]);
        assert!(nearest("zzz", known.into_iter()).is_empty());
    }
}
