"""The report's pictures, by topic. Each returns an SVG element, or None where there is nothing
to draw; figures that are None are not drawn."""
