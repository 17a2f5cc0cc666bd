src/heap_table.c:7:const struct heap_front heap_none = {.tag = SLAB_TAG_POSTED};
src/heap_table.c:8:const struct heap_front heap_ended = {.tag = SLAB_TAG_POSTED};
src/heap_table.c:46:    heap->tag = slab_tag_of_owner(owner);
src/heap_table.c:93:    ASSERT(heap == NULL || (!heap->alive && heap->tag == slab_tag_of_owner(heap->owner)));
