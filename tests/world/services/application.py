"""A WSGI application that parses and changes a document with lxml, in a server of the library."""
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from lxml import etree

DOCUMENT = b"<list>" + b"".join(
    b'<item id="%d"><name>%s</name><price>%d</price></item>' % (i, b"x" * (i % 40), i)
    for i in range(2000)) + b"</list>"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def application(_, start):
    root = etree.fromstring(DOCUMENT)
    for item in root.iter("item"):
        item.set("seen", "yes")
    body = b"%d\n" % len(etree.tostring(root))
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
