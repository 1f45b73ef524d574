//! Streams of what readers poll for.

/// Makes a fused stream of a reader that has `is_done`.
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
