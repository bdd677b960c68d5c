//! Topics without their types: shown and published as JSON text and bytes.

use lifespan_plugin_api::bus::{BusError, Encoded, PublishError};

use super::*;

#[test]
fn a_topic_is_opened_by_its_name_while_it_is_there() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let tool = two.context();
    let unknown = tool.any_topic("b").unwrap_err();
    assert!(matches!(&unknown, BusError::Unknown(reason) if reason.contains("`b`")), "{unknown}");
    assert!(tool.topics().is_empty());
    let (b, a) = (one.topic::<u32>("b", 0), one.topic::<String>("a", 0));
    assert_eq!(tool.topics(), ["a", "b"]);
    let any = tool.any_topic("b").unwrap();
    assert_eq!((any.name(), any.type_name()), ("b", "u32"));
    assert!(!any.has_subscribers());
    let _subscribed = b.updates();
    assert!(any.has_subscribers());
    drop((a, b, one));
    assert_eq!(tool.topics(), ["b"], "it lasts as long as somebody has it");
}

#[test]
fn values_are_shown_as_json_and_as_bytes() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<String>("t", 0);
    let any = two.context().any_topic("t").unwrap();
    assert_eq!((any.get_json().unwrap(), any.get_bytes().unwrap()), (None, None));
    topic.try_publish("größe".to_owned()).unwrap();
    assert_eq!(any.get_json().unwrap().unwrap(), "\"größe\"");
    let bytes = any.get_bytes().unwrap().unwrap();
    topic.try_publish(String::new()).unwrap();
    any.try_publish_bytes(&bytes).unwrap();
    assert_eq!(&*topic.get().unwrap(), "größe");
}

#[test]
fn what_is_published_without_the_type_arrives_with_it() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (numbers, pairs) = (one.topic::<u32>("n", 2), one.topic::<Encoded<(u32, String)>>("p", 0));
    let (mut read, mut pair) = (numbers.messages(), pairs.messages());
    let ctx = two.context();
    let any = ctx.any_topic("n").unwrap();
    now(any.publish_json("41")).unwrap().unwrap();
    numbers.try_publish(42).unwrap();
    assert!(now(any.publish_json("43")).is_none(), "it waits, and is dropped");
    let full = any.try_publish_json("43").unwrap_err();
    assert!(matches!(full, PublishError::Full { topic } if topic == "n"));
    for n in 41..43 {
        assert_eq!(*now(read.recv()).unwrap().unwrap(), n);
    }
    let pair_topic = ctx.any_topic("p").unwrap();
    now(pair_topic.publish_json(r#"[7, "x"]"#)).unwrap().unwrap();
    let bytes = pair_topic.get_bytes().unwrap().unwrap();
    now(pair_topic.publish_bytes(&bytes)).unwrap().unwrap();
    for _ in 0..2 {
        let value = now(pair.recv()).unwrap().unwrap().decode().unwrap();
        assert_eq!(value, (7, "x".to_owned()));
    }
}

#[test]
fn errors_say_what_was_wrong() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 0);
    let any = two.context().any_topic("t").unwrap();
    for (error, what) in [
        (any.try_publish_json("-1").unwrap_err(), "-1"),
        (now(any.publish_json("{")).unwrap().unwrap_err(), "JSON"),
        (any.try_publish_bytes(&[0xc1]).unwrap_err(), "MessagePack"),
    ] {
        assert!(matches!(error, PublishError::Decode { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("`t`") && text.contains("u32") && text.contains(what), "{text}");
        assert!(!text.contains("encode the message: decode"), "{text}");
    }
    assert!(!topic.has_value());
    topic.claim().unwrap();
    assert!(matches!(any.try_publish_json("1"), Err(PublishError::Claimed { .. })));
    drop((topic, one));
    let _mine = two.topic::<u32>("u", 0);
    let any = two.context().any_topic("u").unwrap();
    world.bus.close();
    assert!(any.try_publish_json("1").unwrap_err().is_closed());
}
