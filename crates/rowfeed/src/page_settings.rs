//! The settings of [`Pages`](crate::Pages) on the types that are made of pages.

/// Adds the settings of [`Pages`](crate::Pages) to a type, by forwarding them to its field. `Pages`
/// and `Cursor` must be in scope. What `resume` does is documented by the caller, with an example.
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

        /// Fetches up to this many pages ahead, while the rows of the page before them are decoded;
        /// see [`Pages::prefetch`].
        pub fn prefetch(mut self, pages: usize) -> Self {
            self.$pages = self.$pages.prefetch(pages);
            self
        }

        /// Accepts a result that the service has cut off; see [`Pages::allow_truncated`].
        pub fn allow_truncated(mut self) -> Self {
            self.$pages = self.$pages.allow_truncated();
            self
        }

        /// Gives Lightdash's cells as Lightdash shows them to people, as text; see
        /// [`Pages::formatted`].
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
