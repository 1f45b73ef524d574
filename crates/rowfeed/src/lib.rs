//! Rows from Dune, Lightdash and Yandex Query, as your own structs.
