//! The settings of [`Pages`](crate::Pages), for types that wrap it.

/// Adds the settings of [`Pages`](crate::Pages) to a type, by forwarding them to a field. `Pages`
/// and `Cursor` must be in scope. The caller documents `resume`, with an example.
///
/// For the crates of this workspace, which are released together.
#[doc(hidden)]
#[macro_export]
macro_rules! __page_settings {
    ($pages:ident, $(#[$resume:meta])* resume) => {
        /// Sets how many rows to request at a time; see [`Pages::page_size`].
        pub fn page_size(mut self, rows: u32) -> Self {
            self.$pages = self.$pages.page_size(rows);
            self
        }

        /// Ends after this many rows; see [`Pages::max_rows`].
        pub fn max_rows(mut self, rows: u64) -> Self {
            self.$pages = self.$pages.max_rows(rows);
            self
        }

        /// Fetches up to this many pages ahead while the rows of the current page are decoded; see
        /// [`Pages::prefetch`].
        pub fn prefetch(mut self, pages: usize) -> Self {
            self.$pages = self.$pages.prefetch(pages);
            self
        }

        /// Accepts a truncated result; see [`Pages::allow_truncated`].
        pub fn allow_truncated(mut self) -> Self {
            self.$pages = self.$pages.allow_truncated();
            self
        }

        /// Returns Lightdash's cells as formatted text; see [`Pages::formatted`].
        pub fn formatted(mut self) -> Self {
            self.$pages = self.$pages.formatted();
            self
        }

        $(#[$resume])*
        pub fn resume(mut self, cursor: &Cursor) -> Self {
            self.$pages = self.$pages.resume(cursor);
            self
        }
    };
}
