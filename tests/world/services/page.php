<?php
// A page made with DOM: a document is built, read back and changed. Run by `php -S`.
$document = new DOMDocument();
$list = $document->appendChild($document->createElement('list'));
for ($i = 0; $i < 400; $i++) {
    $item = $list->appendChild($document->createElement('item', "number $i"));
    $item->setAttribute('id', "item-$i");
    $item->appendChild($document->createElement('name', str_repeat('x', $i % 40)));
}
$copy = new DOMDocument();
$copy->loadXML($document->saveXML());
$found = (new DOMXPath($copy))->query('//item[@id]/name');
echo $found->length, "\n";
