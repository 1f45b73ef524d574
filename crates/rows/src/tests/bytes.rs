//! Bytes, and text in them.

use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::{dune_cell, lightdash_cell, untyped_cell, yandex_cell};

#[test]
fn byte_fields_receive_decoded_bytes() {
    let expected = [0x00, 0xAB, 0xff];
    assert_eq!(
        dune_cell::<Vec<u8>>("varbinary", "\"0x00abFF\"").unwrap(),
        expected
    );
    assert_eq!(
        dune_cell::<[u8; 3]>("varbinary", "\"0x00abff\"").unwrap(),
        expected
    );
    assert_eq!(
        dune_cell::<ByteBuf>("varbinary", "\"0x00abff\"").unwrap(),
        expected
    );
    assert_eq!(
        dune_cell::<ByteBuf>("varchar", "\"0x00abff\"").unwrap(),
        expected
    );
    assert_eq!(untyped_cell::<Vec<u8>>("\"0x00abff\"").unwrap(), expected);
    assert_eq!(
        lightdash_cell::<Vec<u8>>("string", "\"0x00abff\"").unwrap(),
        expected
    );
    assert_eq!(
        yandex_cell::<Vec<u8>>("String", "\"AKv/\"").unwrap(),
        expected
    );
    assert_eq!(
        yandex_cell::<ByteBuf>("Optional<String>", "[\"AKv/\"]").unwrap(),
        expected
    );
    assert_eq!(
        yandex_cell::<Option<Vec<u8>>>("Optional<String>", "[]").unwrap(),
        None
    );
    assert_eq!(
        dune_cell::<Vec<Vec<u8>>>("array(varbinary)", "[\"0x00\",\"0x\"]").unwrap(),
        [vec![0], vec![]]
    );
    assert_eq!(
        dune_cell::<ByteBuf>("array(integer)", "[0, 171]").unwrap(),
        [0, 171]
    );
}

#[test]
fn text_fields_receive_bytes_as_sent() {
    assert_eq!(
        dune_cell::<String>("varbinary", "\"0x00ABff\"").unwrap(),
        "0x00ABff"
    );
    assert_eq!(yandex_cell::<String>("String", "\"aGk=\"").unwrap(), "aGk=");
}

#[test]
fn byte_fields_receive_the_utf8_of_text() {
    assert_eq!(
        dune_cell::<ByteBuf>("varchar", "\"hé\"").unwrap(),
        "hé".as_bytes()
    );
    assert_eq!(yandex_cell::<ByteBuf>("Utf8", "\"0xyz\"").unwrap(), b"0xyz");
}

#[test]
fn broken_bytes_are_errors() {
    for cell in ["\"0x0\"", "\"0xgg\"", "\"00\"", "\"\"", "5"] {
        assert!(dune_cell::<Vec<u8>>("varbinary", cell).is_err(), "{cell}");
        assert!(dune_cell::<ByteBuf>("varbinary", cell).is_err(), "{cell}");
    }
    for cell in ["\"aGk\"", "\"a*==\"", "\"0x0\""] {
        let error = yandex_cell::<Vec<u8>>("String", cell).unwrap_err();
        assert!(error.message().contains("base64"), "{error}");
    }
    assert!(dune_cell::<[u8; 2]>("varbinary", "\"0x00abff\"").is_err());
    assert!(dune_cell::<[u8; 4]>("varbinary", "\"0x00abff\"").is_err());
}

#[test]
fn utf8_decodes_bytes_as_text() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Utf8<T: for<'a> Deserialize<'a>>(#[serde(deserialize_with = "crate::field::utf8")] T);

    assert_eq!(
        yandex_cell::<Utf8<_>>("String", "\"aMOp\"").unwrap(),
        Utf8("hé".to_owned())
    );
    assert_eq!(
        yandex_cell::<Utf8<_>>("Optional<String>", "[\"aGk=\"]").unwrap(),
        Utf8(Some("hi".to_owned()))
    );
    assert_eq!(
        yandex_cell::<Utf8<_>>("List<String>", "[\"aGk=\"]").unwrap(),
        Utf8(vec!["hi".to_owned()])
    );
    assert_eq!(
        dune_cell::<Utf8<_>>("varbinary", "\"0x6869\"").unwrap(),
        Utf8("hi".to_owned())
    );
    assert_eq!(
        dune_cell::<Utf8<_>>("varchar", "\"0x6869\"").unwrap(),
        Utf8("0x6869".to_owned())
    );
    let error = yandex_cell::<Utf8<String>>("String", "\"/w==\"").unwrap_err();
    assert!(error.message().contains("UTF-8"), "{error}");
}
