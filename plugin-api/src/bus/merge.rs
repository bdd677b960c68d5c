//! Several streams as one.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// Several streams as one, each item with the tag of the stream that it is from. It ends when all
/// have ended. None is preferred: whoever had an item is asked last next time.
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
/// let inside = ctx.topic::<f64>("inside")?;
/// let outside = ctx.topic::<f64>("outside")?;
/// let mut both = Merge::new()
///     .with("inside", inside.updates().owned())
///     .with("outside", outside.messages().owned());
/// outside.publish_all([-1.0, -2.0]).await?;
/// inside.publish(21.0).await?;
/// outside.close()?;
/// inside.close()?;
/// let mut seen = Vec::new();
/// while let Some((place, degrees)) = both.recv().await {
///     seen.push(format!("{degrees} °C {place}"));
/// }
/// assert_eq!(seen, ["21 °C inside", "-1 °C outside", "-2 °C outside"]);
/// # Ok(()) });
/// ```
pub struct Merge<Tag, Item> {
    streams: Vec<(Tag, Boxed<Item>)>,
    /// Who is asked first.
    first: usize,
}

type Boxed<Item> = Pin<Box<dyn Stream<Item = Item> + Send>>;

impl<Tag: Clone, Item: 'static> Merge<Tag, Item> {
    /// Nothing yet: a stream that has ended.
    pub fn new() -> Self {
        Merge { streams: Vec::new(), first: 0 }
    }

    /// Adds a stream.
    #[must_use]
    pub fn with(mut self, tag: Tag, stream: impl Stream<Item = Item> + Send + 'static) -> Self {
        self.streams.push((tag, Box::pin(stream)));
        self
    }

    /// Adds a stream of other items, each turned into one of these.
    #[must_use]
    pub fn with_map<S>(
        self,
        tag: Tag,
        stream: S,
        map: impl FnMut(S::Item) -> Item + Send + Unpin + 'static,
    ) -> Self
    where
        S: Stream + Send + 'static,
    {
        self.with(tag, Map { stream: Box::pin(stream), map })
    }

    /// The next item; `None` when all streams have ended. Dropped before it is ready, it has taken
    /// nothing.
    pub async fn recv(&mut self) -> Option<(Tag, Item)> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<(Tag, Item)>> {
        let mut left = self.streams.len();
        let mut at = self.first;
        while left > 0 {
            left -= 1;
            if at >= self.streams.len() {
                at = 0;
            }
            let (tag, stream) = &mut self.streams[at];
            match stream.as_mut().poll_next(context) {
                Poll::Ready(Some(item)) => {
                    self.first = at + 1;
                    return Poll::Ready(Some((tag.clone(), item)));
                }
                Poll::Ready(None) => drop(self.streams.remove(at)),
                Poll::Pending => at += 1,
            }
        }
        if self.streams.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<Tag: Clone, Item: 'static> Default for Merge<Tag, Item> {
    fn default() -> Self {
        Merge::new()
    }
}

impl<Tag, Item> fmt::Debug for Merge<Tag, Item> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").field("streams", &self.streams.len()).finish_non_exhaustive()
    }
}

// The streams are pinned in their boxes, and tags are never pinned.
impl<Tag, Item> Unpin for Merge<Tag, Item> {}

impl<Tag: Clone, Item: 'static> Stream for Merge<Tag, Item> {
    type Item = (Tag, Item);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<(Tag, Item)>> {
        self.poll(context)
    }
}

struct Map<S: ?Sized, F> {
    stream: Pin<Box<S>>,
    map: F,
}

impl<S: Stream, F: FnMut(S::Item) -> Item + Unpin, Item> Stream for Map<S, F> {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let polled = self.stream.as_mut().poll_next(context);
        polled.map(|item| item.map(&mut self.map))
    }
}
