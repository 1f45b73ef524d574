//! A store of the newest entries, limited by number and by size.

use std::collections::{HashMap, VecDeque};

/// Entries by id. The store removes the oldest entries when there are too many or when they use too
/// much memory. It always keeps the newest entry.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    entries: HashMap<String, (usize, T)>,
    /// Ids, oldest first.
    order: VecDeque<String>,
    bytes: usize,
    most_entries: usize,
    most_bytes: usize,
}

/// The size in bytes of an entry without its content.
const ENTRY: usize = 512;

impl<T> Kept<T> {
    pub(crate) fn new(most_entries: usize, most_bytes: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            most_entries,
            most_bytes,
        }
    }

    /// Adds an entry with this size in bytes.
    pub(crate) fn insert(&mut self, id: String, bytes: usize, entry: T) {
        let bytes = bytes.saturating_add(ENTRY);
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some((old, _)) = self.entries.insert(id.clone(), (bytes, entry)) {
            self.bytes -= old;
        } else {
            self.order.push_back(id);
        }
        self.forget();
    }

    /// Updates the size of an entry.
    pub(crate) fn weigh(&mut self, id: &str, bytes: usize) {
        if let Some((weight, _)) = self.entries.get_mut(id) {
            let bytes = bytes.saturating_add(ENTRY);
            self.bytes = self.bytes - *weight + bytes;
            *weight = bytes;
        }
        self.forget();
    }

    fn forget(&mut self) {
        while self.order.len() > 1
            && (self.order.len() > self.most_entries || self.bytes > self.most_bytes)
        {
            let oldest = self.order.pop_front();
            if let Some((bytes, _)) = oldest.and_then(|id| self.entries.remove(&id)) {
                self.bytes -= bytes;
            }
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id).map(|(_, entry)| entry)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.entries.get_mut(id).map(|(_, entry)| entry)
    }

    /// Returns every entry with its id, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (&str, &T)> {
        let ids = self.order.iter().rev();
        ids.filter_map(|id| Some((id.as_str(), self.get(id)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRY, Kept};

    #[test]
    fn the_oldest_entries_are_removed_and_the_newest_is_kept() {
        let mut kept = Kept::new(3, 10 * ENTRY);
        for id in ["a", "b", "c", "d"] {
            kept.insert(id.to_owned(), 0, id);
        }
        assert_eq!(kept.get("a"), None);
        let ids: Vec<&str> = kept.newest_first().map(|(id, _)| id).collect();
        assert_eq!(ids, ["d", "c", "b"]);
        kept.insert("e".to_owned(), 8 * ENTRY, "e");
        let ids: Vec<&str> = kept.newest_first().map(|(id, _)| id).collect();
        assert_eq!(ids, ["e", "d"]);
        kept.insert("f".to_owned(), 100 * ENTRY, "f");
        let ids: Vec<&str> = kept.newest_first().map(|(id, _)| id).collect();
        assert_eq!(ids, ["f"]);
        kept.weigh("f", 0);
        kept.insert("g".to_owned(), 0, "g");
        assert_eq!(kept.newest_first().count(), 2);
    }
}
