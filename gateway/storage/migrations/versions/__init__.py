"""One module per step of the schema. A step that was released is never changed; a new one follows it."""
