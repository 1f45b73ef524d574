//! Checks that a page is at the right place in its result.

/// The place of a page, and what the response says about the rows around it.
pub(super) struct Place {
    /// The offset of its first row.
    pub(super) first: u64,
    /// How many rows it has.
    pub(super) rows: u64,
    /// How many rows the response says that the page has.
    pub(super) said: Option<i64>,
    /// Where the next page begins.
    pub(super) next: Option<u64>,
    /// How many rows the result has, if Dune counts the rows that can be read.
    pub(super) total: Option<u64>,
    /// Whether the result has all rows, without filters, so that offsets count all of them.
    pub(super) has_all_rows: bool,
    /// Whether the reader needs no more rows.
    pub(super) is_enough: bool,
}

impl Place {
    /// Returns what is wrong with the page, if anything. `total` is the total that earlier pages
    /// reported.
    pub(super) fn misfit(&self, total: Option<u64>) -> Option<String> {
        self.off_its_own_rows().or_else(|| self.off_total(total))
    }

    /// Returns what is wrong regardless of the total.
    fn off_its_own_rows(&self) -> Option<String> {
        let &Self { first, rows, .. } = self;
        let end = first + rows;
        if let Some(said) = self.said.filter(|said| *said != rows.cast_signed()) {
            return Some(format!(
                "the page at row {first} says that it has {said} rows, but it has {rows}"
            ));
        }
        let next = self.next?;
        if next < end {
            return Some(format!(
                "the next page would begin at row {next}, before row {end}, where this one ends"
            ));
        }
        // An empty page may stand for rows that do not exist.
        (self.has_all_rows && rows > 0 && next > end).then(|| {
            format!("the next page would begin at row {next}, but this one ends before row {end}")
        })
    }

    fn off_total(&self, before: Option<u64>) -> Option<String> {
        let total = self.total?;
        if let Some(before) = before.filter(|before| *before != total) {
            return Some(format!(
                "the pages before this one announced {before} rows, and this one announces {total}"
            ));
        }
        let &Self { first, rows, .. } = self;
        let end = first + rows;
        if rows > 0 && end > total {
            return Some(format!(
                "{total} rows were announced, but the result has at least {end}"
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
                "the rows end at row {end} with the page at row {first}, but {total} were announced; \
                 it names {next} next page; allow_truncated() takes the rows that there are"
            )
        })
    }
}

#[cfg(test)]
mod tests;
