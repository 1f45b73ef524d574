//! Whether a page stands where it should in its result.

/// Where a page stands, and what is said of the rows before and after it.
pub(super) struct Place {
    /// The offset of its first row.
    pub(super) first: u64,
    /// How many rows it has.
    pub(super) rows: u64,
    /// How many it says that it has.
    pub(super) said: Option<i64>,
    /// Where the next page begins.
    pub(super) next: Option<u64>,
    /// How many rows the result has, where that counts what can be read.
    pub(super) total: Option<u64>,
    /// Whether no row is left out, so that offsets count all of them.
    pub(super) has_all_rows: bool,
    /// Whether nobody wants more.
    pub(super) is_enough: bool,
}

impl Place {
    /// What is wrong, if anything is; `total` is what the pages before have said.
    pub(super) fn misfit(&self, total: Option<u64>) -> Option<String> {
        self.off_its_own_rows().or_else(|| self.off_total(total))
    }

    /// What cannot be whatever the total is.
    fn off_its_own_rows(&self) -> Option<String> {
        let &Self { first, rows, .. } = self;
        let end = first + rows;
        if let Some(said) = self.said.filter(|said| *said != rows.cast_signed()) {
            return Some(format!(
                "the page at row {first} says that it has {said} rows, and has {rows}"
            ));
        }
        let next = self.next?;
        if next < end {
            return Some(format!(
                "the next page would begin at row {next}, before row {end}, where this one ends"
            ));
        }
        // A page without rows may stand for rows that are none.
        (self.has_all_rows && rows > 0 && next > end).then(|| {
            format!("the next page would begin at row {next}, and this one ends before row {end}")
        })
    }

    fn off_total(&self, before: Option<u64>) -> Option<String> {
        let total = self.total?;
        if let Some(before) = before.filter(|before| *before != total) {
            return Some(format!(
                "the result had {before} rows before this page and has {total} now"
            ));
        }
        let &Self { first, rows, .. } = self;
        let end = first + rows;
        if rows > 0 && end > total {
            return Some(format!(
                "{total} rows were announced, and the rows come to {end}"
            ));
        }
        let is_short = match self.next {
            None => !self.is_enough && end < total,
            Some(_) => rows == 0 && first < total,
        };
        is_short.then(|| {
            let next = match self.next {
                Some(_) => "a",
                None => "no",
            };
            format!(
                "the page at row {first} brings the rows to {end}, and {total} were announced; \
                 it names {next} next page; allow_truncated() takes the rows that there are"
            )
        })
    }
}

#[cfg(test)]
mod tests;
