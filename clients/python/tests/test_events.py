import unittest

from mir_client._events import read_events


def events(*chunks):
    return [(one.event, one.data, one.last_id) for one in read_events(chunks)]


class EventsTest(unittest.TestCase):
    def test_an_event_has_a_name_data_and_an_id(self):
        self.assertEqual(events(b"event: log\nid: 1\ndata: {}\n\n"), [("log", "{}", "1")])

    def test_lines_of_data_are_joined_and_one_space_is_taken_away(self):
        self.assertEqual(events(b"data: a\ndata:  b\ndata\n\n"), [("message", "a\n b\n", "")])

    def test_every_line_end_and_every_way_of_cutting_gives_the_same(self):
        text = "event: log\nid: 7\ndata: ä\u2028b\n\n: a comment\n\ndata: x\n\n".encode()
        wanted = [("log", "ä\u2028b", "7"), ("message", "x", "7")]
        for end in (b"\n", b"\r\n", b"\r"):
            whole = text.replace(b"\n", end)
            for size in (1, 2, 3, 5, len(whole)):
                chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
                self.assertEqual(events(*chunks), wanted, (end, size))

    def test_an_event_that_was_cut_off_is_left_out(self):
        self.assertEqual(events(b"data: whole\n\ndata: half\n"), [("message", "whole", "")])

    def test_a_mark_at_the_beginning_is_no_part_of_the_first_name(self):
        self.assertEqual(events(b"\xef\xbb\xbfdata: x\n\n"), [("message", "x", "")])


if __name__ == "__main__":
    unittest.main()
