//! Streams for readers that can be polled.

/// Implements a fused stream for a reader that has `is_done`.
macro_rules! stream {
    ([$($generics:tt)*] $reader:ty => $item:ty, $poll:ident) => {
        impl<$($generics)*> futures_core::Stream for $reader {
            type Item = Result<$item, $crate::Error>;

            fn poll_next(
                mut self: std::pin::Pin<&mut Self>,
                context: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Self::Item>> {
                self.$poll(context).map(Result::transpose)
            }
        }

        impl<$($generics)*> futures_core::FusedStream for $reader {
            fn is_terminated(&self) -> bool {
                self.is_done()
            }
        }
    };
}
pub(crate) use stream;

/// Adds `try_collect` to a reader that has `try_next`.
macro_rules! try_collect {
    ($item:ty, $entries:literal $(, $(#[$example:meta])*)?) => {
        #[doc = concat!("Returns all ", $entries, ", in any collection: `Vec<_>`, `VecDeque<_>`, a set.")]
        ///
        /// # Errors
        ///
        /// The first error that occurs.
        $($(#[$example])*)?
        pub async fn try_collect<C>(mut self) -> Result<C, $crate::Error>
        where
            // `IntoIterator` lets the compiler infer the item from `C`, because a collection may
            // also implement `Extend` for references.
            C: Default + Extend<$item> + IntoIterator<Item = $item>,
        {
            let mut all = C::default();
            while let Some(next) = self.try_next().await? {
                all.extend([next]);
            }
            Ok(all)
        }
    };
}
pub(crate) use try_collect;
