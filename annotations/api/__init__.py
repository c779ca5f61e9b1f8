"""The doors of campaigns, queue, images, review, import and export."""
