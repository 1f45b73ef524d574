//! What a [`Kind`] leaves out of a declared type: widths, precisions, zones.

use super::kind::Kind;

/// The types within a declared type that are made of no others, as they are written, in order.
///
/// Types of which no more is to be known than their kind are not among them.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'a>(Vec<&'a str>);

impl<'a> Leaves<'a> {
    /// Adds the type between `start` and `rest`, if it is one of them.
    pub(super) fn add(&mut self, kind: &Kind, start: &'a str, rest: &str) {
        let is_leaf = !matches!(
            kind,
            Kind::Unknown
                | Kind::Other
                | Kind::Null
                | Kind::Optional(_)
                | Kind::List(_)
                | Kind::Tuple(_)
                | Kind::Struct(_)
                | Kind::Map(_)
                | Kind::Dict(_)
                | Kind::Variant(_)
                | Kind::Choice(_)
        );
        if is_leaf {
            self.0.push(start[..start.len() - rest.len()].trim());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets those that were added after there were so many.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

#[cfg(feature = "arrow")]
impl<'a> IntoIterator for Leaves<'a> {
    type Item = &'a str;
    type IntoIter = std::vec::IntoIter<&'a str>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
